"""The XML representation of answers and bodies.

Belongs here: JSON values to XML in the schema's order and back. The shapes are those of `properties`: references
are an element with a `name` attribute, domain and sparse are attributes. Facts: reference section 1 and the XML
captures.
"""

from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from sandbox.http import Answer
from sandbox.quickbooks import wire
from sandbox.quickbooks.spec import BY_NAME, TYPES, Entity
from sandbox.quickbooks.wire import Refusal

_NAMESPACE = "http://schema.intuit.com/finance/v3"
_HEAD = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><IntuitResponse xmlns="{_NAMESPACE}"'
_ATTRIBUTES = (
    "domain",
    "sparse",
    "status",
    "name",
    "type",
    "startPosition",
    "maxResults",
    "totalCount",
    "code",
    "element",
    "bId",
)


def answer_in_xml(answer: Answer) -> Answer:
    """The same answer in XML; anything that is not JSON, and the gateway's own faults, stay as they are."""
    if not answer.content_type.startswith("application/json"):
        return answer
    body = wire.decode(answer.body)
    if "fault" in body:
        return answer
    when = f" time={quoteattr(body.pop('time'))}" if "time" in body else ""
    text = f"{_HEAD}{when}>{''.join(_element(name, value, name) for name, value in body.items())}</IntuitResponse>"
    kind = "application/xml;charset=UTF-8" if answer.status == 200 else "application/xml"
    return Answer(answer.status, text.encode(), kind, answer.headers)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value))


def _element(name: str, value: Any, kind: str) -> str:
    if isinstance(value, list):
        return "".join(_element(name, each, kind) for each in value)
    if not isinstance(value, dict):
        return f"<{name}>{_text(value)}</{name}>"
    if "value" in value and name != "any":
        attributes = "".join(f" {key}={quoteattr(str(each))}" for key, each in value.items() if key != "value")
        return f"<{name}{attributes}>{_text(value['value'])}</{name}>"
    if name == "LineEx":
        entries = [each.get("value", each) for each in value.get("any", ())]
        return f"<LineEx>{_element('NameValue', entries, 'NameValue')}</LineEx>"
    schema = TYPES.get(kind, {})
    own = set(schema) & {"status", "name", "type"} if "sparse" not in schema else set()
    attributes = "".join(
        f" {key}={quoteattr(_text(each))}"
        for key, each in value.items()
        if key in _ATTRIBUTES and key not in own and not isinstance(each, (dict, list))
    )
    order = {key: position for position, key in enumerate(schema)}
    children = [key for key in value if f" {key}=" not in attributes]
    if order:
        children.sort(key=lambda key: order.get(key, len(order)))
    inner = "".join(_element(key, value[key], _kind(schema, key)) for key in children)
    return f"<{name}{attributes}>{inner}</{name}>"


def _kind(schema: dict[str, Any], key: str) -> str:
    return schema[key].kind if key in schema else key


def body_of(data: bytes, entity: Entity) -> dict[str, Any]:
    """The JSON form of an XML body for one entity. Raises Refusal 2010 when it is not XML or not that entity."""
    root = _root(data)
    if _local(root.tag) != entity.name:
        raise Refusal("2010", f"Property Name:{_local(root.tag)} specified is unsupported or invalid")
    return _value(root, entity.name)


def batch_of(data: bytes) -> dict[str, Any]:
    """The JSON form of an XML batch (IntuitBatchRequest in the schema). Raises Refusal 2010."""
    root = _root(data)
    if _local(root.tag) != "IntuitBatchRequest":
        raise Refusal("2010", f"Property Name:{_local(root.tag)} specified is unsupported or invalid")
    items = []
    for node in root:
        item: dict[str, Any] = dict(node.attrib)
        for child in node:
            name = _local(child.tag)
            if name in BY_NAME:
                item[name] = _value(child, name)
            elif len(child):
                item[name] = {_local(each.tag): each.text or "" for each in child}
            else:
                item[name] = child.text or ""
        items.append(item)
    return {"BatchItemRequest": items}


def _root(data: bytes) -> ElementTree.Element:
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise Refusal("2010", "Property Name:DOCTYPE specified is unsupported or invalid")
    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise Refusal("2010", f"Property Name:{error} specified is unsupported or invalid") from None


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _value(node: ElementTree.Element, kind: str) -> Any:
    schema = TYPES.get(kind, {})
    result: dict[str, Any] = {
        name: (text == "true" if name == "sparse" else text) for name, text in node.attrib.items()
    }
    for child in node:
        name = _local(child.tag)
        if name == "LineEx":
            # Only the service writes it.
            continue
        found = schema.get(name)
        if found is None:
            raise Refusal("2010", f"Property Name:{name} specified is unsupported or invalid")
        if found.kind == "reference" or (found.kind in TYPES and not len(child) and (child.text or "").strip()):
            value: Any = {"value": (child.text or "").strip(), **child.attrib}
        elif found.kind in TYPES:
            value = _value(child, found.kind)
        elif found.kind == "number":
            value = wire.decode((child.text or "0").strip().encode())
        elif found.kind == "boolean":
            value = (child.text or "").strip() == "true"
        else:
            value = child.text or ""
        if found.is_list:
            result.setdefault(name, []).append(value)
        else:
            result[name] = value
    return result
