// A client that is not ours: loads the proto file at run time and prints the reply as JSON.
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");
const fs = require("fs");

const [address, protoRoot, file] = process.argv.slice(2);
const definition = loader.loadSync("framing/v1/classification_service.proto", {
  includeDirs: [protoRoot],
  enums: String,
  defaults: true,
});
const { framing } = grpc.loadPackageDefinition(definition);
const client = new framing.v1.ClassificationService(address, grpc.credentials.createInsecure());
const text = fs.readFileSync(file, "utf8");
const request = { article: { text }, options: { offsetEncoding: "OFFSET_ENCODING_UTF16_CODE_UNITS" } };

client.classifyArticle(request, (error, reply) => {
  if (error) {
    console.log(JSON.stringify({ code: error.code, details: error.details }));
  } else {
    const evidence = reply.classification.evidence.map((item) => text.slice(item.span.begin, item.span.end));
    console.log(JSON.stringify({ classification: reply.classification, evidence }));
  }
  client.close();
});
