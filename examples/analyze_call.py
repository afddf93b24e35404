"""Asks a site to look at a camera for ten seconds, and prints what it saw.

pip install requests
python examples/analyze_call.py rtsp://camera-ip/live            # API=http://site:7860 TOKEN=… where one is needed
"""

import json
import os
import sys

import requests

answer = requests.post(
    os.environ.get("API", "http://127.0.0.1:7860") + "/analyze",
    json={
        "stream_url": sys.argv[1],
        "tasks": ["person_detection", "abnormal_behavior"],
        "output": {"bandwidth_saving": True, "thumbnail_interval": 10},
    },
    headers={"Authorization": f"Bearer {os.environ['TOKEN']}"} if "TOKEN" in os.environ else {},
    timeout=60,
)
result = answer.json()
if answer.ok:
    result["results"]["thumbnail"] = result["results"]["thumbnail"][:20] + "…"  # a JPEG, base64
print(json.dumps(result, indent=2, ensure_ascii=False))
sys.exit(0 if answer.ok else 1)
