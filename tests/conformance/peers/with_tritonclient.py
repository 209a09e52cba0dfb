"""Asks a server at localhost:PORT, with Triton's client, about the texts in the JSON list on standard input."""

import json
import sys

import numpy as np
import tritonclient.grpc as triton

texts = json.load(sys.stdin)
client = triton.InferenceServerClient(f"localhost:{sys.argv[1]}")
tensor = triton.InferInput("text", [len(texts)], "BYTES")
tensor.set_data_from_numpy(np.array([text.encode() for text in texts], dtype=np.object_))
answer = client.infer("framing", [tensor])
wanted = [triton.InferRequestedOutput("framing")]
try:
    client.infer("nothing", [tensor])
    error = ""
except triton.InferenceServerException as problem:
    error = str(problem)
print(
    json.dumps(
        {
            "live": client.is_server_live(),
            "ready": client.is_server_ready() and client.is_model_ready("framing"),
            "server": client.get_server_metadata().name,
            "outputs": [output.name for output in client.get_model_metadata("framing").outputs],
            "framing": [
                value.decode() for value in client.infer("framing", [tensor], outputs=wanted).as_numpy("framing")
            ],
            "topics_selected": answer.as_numpy("topics_selected").tolist(),
            "topic_probabilities": answer.as_numpy("topic_probabilities").tolist(),
            "framing_probabilities": answer.as_numpy("framing_probabilities").tolist(),
            "error": error,
        }
    )
)
