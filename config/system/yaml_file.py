"""YAML files: small, and with every key once."""

from typing import ClassVar

import yaml

from config.system import files
from config.system.errors import UserError


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML in which every key stands once, of two PyYAML would take the last, and every value is text or empty.

    So a value means in a file what it means as a flag: PyYAML would read 010 as 8, 1:30 as 90 and no as False.
    """

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":null", ":merge"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node, deep=False):
        """Return the dict of a node.

        Raises:
            yaml.YAMLError: a key stands there twice.
        """
        lines = {}
        for key in [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]:
            line = key.start_mark.line + 1
            if key.value in lines:
                raise yaml.YAMLError(f"the key {key.value[:80]!r} twice, in lines {lines[key.value]} and {line}")
            lines[key.value] = line
        return super().construct_mapping(node, deep)


def read(path):
    """Return the dict in the YAML file `path`.

    Raises:
        UserError: the file is missing, broken or larger than files.YAML, a key stands there twice, or it is no dict.
    """
    text = files.read_text(path, "a YAML file", files.YAML)
    try:
        document = yaml.load(text, Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: expected YAML, got: {error}") from error
    if not isinstance(document, dict):
        raise UserError(f"{path}: expected lines of 'key: value', got {type(document).__name__}")
    return document
