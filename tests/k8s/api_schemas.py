"""Turns what an API server says of its own kinds into the JSON schemas that kubeconform reads.

The published schemas lie on GitHub, which not every machine reaches; the server's own are those of its very version.

    location = write_schemas(json.loads(kubectl("get", "--raw", "/openapi/v2")), folder)
    kubeconform -strict -schema-location LOCATION manifests.yaml
"""

import json
from pathlib import Path
from typing import Any

__all__ = ["write_schemas"]

_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"


def write_schemas(openapi: dict[str, Any], folder: Path) -> str:
    """Write a schema for each kind into `folder`, unknown keys refused; where kubeconform finds them."""
    definitions = {name: _strict(schema) for name, schema in openapi["definitions"].items()}
    # what OpenAPI calls a string may be written as a number
    definitions |= {name: {"type": ["string", "number"]} for name in (_INT_OR_STRING, _QUANTITY)}
    together = folder / "definitions.json"
    together.write_text(json.dumps({"definitions": definitions}))
    for name, schema in openapi["definitions"].items():
        for kind in schema.get("x-kubernetes-group-version-kind", ()):
            group = f"{kind['group'].split('.')[0]}-" if kind["group"] else ""
            path = folder / f"{kind['kind'].lower()}-{group}{kind['version']}.json"
            path.write_text(json.dumps({"$ref": f"{together.as_uri()}#/definitions/{name}"}))
    return f"{folder}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    return {"additionalProperties": False, **schema} if "properties" in schema else schema
