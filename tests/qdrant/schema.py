"""Checks a value against the part of JSON Schema that the recorded API documents use."""

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool}


def is_type(value, name):
    if name in TYPES:
        return isinstance(value, TYPES[name])
    if isinstance(value, bool):
        return False
    return isinstance(value, int) if name == "integer" else isinstance(value, (int, float))


class Schemas:
    """`known`: schemas by name."""

    def __init__(self, known):
        self.known = known

    def problem(self, schema, value, path="$"):
        """What is wrong, with the place; None when nothing is. A field that a schema does not name is wrong, too."""
        if "$ref" in schema:
            return self.problem(self.known[schema["$ref"]], value, path)
        if value is None:
            empty = schema == {} or schema.get("nullable") or any(s.get("nullable") for s in schema.get("anyOf", []))
            return None if empty else f"{path}: null"
        for word in ("anyOf", "oneOf"):
            if word in schema:
                found = [self.problem(one, value, path) for one in schema[word] if one != {"nullable": True}]
                return None if None in found else "; ".join(found)
        for one in schema.get("allOf", []):
            if wrong := self.problem(one, value, path):
                return wrong
        if "type" in schema and not is_type(value, schema["type"]):
            return f"{path}: no {schema['type']}"
        if "enum" in schema and value not in schema["enum"]:
            return f"{path}: none of {schema['enum']}"
        return self.inside(schema, value, path)

    def inside(self, schema, value, path):
        if isinstance(value, dict):
            return self.object_problem(schema, value, path)
        if isinstance(value, list):
            if len(value) < schema.get("minItems", 0):
                return f"{path}: too few"
            if schema.get("items", {}).get("type") == "number" and {type(one) for one in value} <= {int, float}:
                return None  # most of all bytes are vectors
            found = (self.problem(schema.get("items", {}), one, f"{path}[{i}]") for i, one in enumerate(value))
            return next(filter(None, found), None)
        if isinstance(value, (int, float)):
            if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
                return f"{path}: out of range"
        return None

    def object_problem(self, schema, value, path):
        for name in schema.get("required", []):
            if name not in value:
                return f"{path}: lacks {name}"
        named = schema.get("properties", {})
        others = schema.get("additionalProperties", not named)
        for name, one in value.items():
            if name in named:
                wrong = self.problem(named[name], one, f"{path}.{name}")
            elif others is False:
                wrong = f"{path}: has no {name}"
            else:
                wrong = None if others is True else self.problem(others, one, f"{path}.{name}")
            if wrong:
                return wrong
        return None
