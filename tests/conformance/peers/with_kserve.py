"""Asks a server at localhost:PORT, with KServe's client, about the texts in the JSON list on standard input."""

import asyncio
import json
import sys

import grpc
from kserve import InferenceGRPCClient, InferInput, InferRequest


async def main():
    texts = json.load(sys.stdin)
    async with InferenceGRPCClient(f"localhost:{sys.argv[1]}") as client:
        tensor = InferInput("text", [len(texts)], "BYTES", data=[text.encode() for text in texts])
        answer = await client.infer(InferRequest("framing", [tensor]))
        outputs = {output.name: output.as_numpy() for output in answer.outputs}
        try:
            await client.infer(InferRequest("nothing", [tensor]))
            error = ""
        except grpc.RpcError as problem:
            error = f"{problem.code()} {problem.details()}"
        ready = await client.is_server_ready() and await client.is_model_ready("framing")
        result = {name: outputs[name].tolist() for name in outputs if name not in ("framing", "abstention", "language")}
        framing = [value.decode() if isinstance(value, bytes) else value for value in outputs["framing"].tolist()]
        live = await client.is_server_live()
        print(json.dumps({"live": live, "ready": ready, "framing": framing, "error": error} | result))


asyncio.run(main())
