"""Asks a server at localhost:PORT, with open-inference-grpc, about the texts in the JSON list on standard input."""

import json
import sys

import grpc
from open_inference.grpc import protocol
from open_inference.grpc.service import GRPCInferenceServiceStub

texts = json.load(sys.stdin)
stub = GRPCInferenceServiceStub(grpc.insecure_channel(f"localhost:{sys.argv[1]}"))
tensor = protocol.ModelInferRequest.InferInputTensor(name="text", datatype="BYTES", shape=[len(texts)])
tensor.contents.bytes_contents.extend(text.encode() for text in texts)
answer = stub.ModelInfer(protocol.ModelInferRequest(model_name="framing", inputs=[tensor]))
outputs = {output.name: output for output in answer.outputs}


def rows(name, values):
    width = outputs[name].shape[1]
    return [list(values[at : at + width]) for at in range(0, len(values), width)]


try:
    stub.ModelInfer(protocol.ModelInferRequest(model_name="nothing", inputs=[tensor]))
    error = ""
except grpc.RpcError as problem:
    error = f"{problem.code()} {problem.details()}"
ready = stub.ModelReady(protocol.ModelReadyRequest(name="framing")).ready
metadata = stub.ModelMetadata(protocol.ModelMetadataRequest(name="framing"))
print(
    json.dumps(
        {
            "live": stub.ServerLive(protocol.ServerLiveRequest()).live,
            "ready": stub.ServerReady(protocol.ServerReadyRequest()).ready and ready,
            "server": stub.ServerMetadata(protocol.ServerMetadataRequest()).name,
            "outputs": [output.name for output in metadata.outputs],
            "framing": [value.decode() for value in outputs["framing"].contents.bytes_contents],
            "topics_selected": rows("topics_selected", outputs["topics_selected"].contents.bool_contents),
            "topic_probabilities": rows("topic_probabilities", outputs["topic_probabilities"].contents.fp64_contents),
            "framing_probabilities": rows(
                "framing_probabilities", outputs["framing_probabilities"].contents.fp64_contents
            ),
            "error": error,
        }
    )
)
