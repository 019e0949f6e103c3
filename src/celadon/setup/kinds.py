"""What a service is made with, and what is usual for it."""

import re
from dataclasses import dataclass

from celadon.check.dockerfile import parse
from celadon.setup.scanning import Folder

ANY_JAVA, ANY_PYTHON = r"pom\.xml|build\.gradle(\.kts)?", r"pyproject\.toml|requirements\.txt"


@dataclass(frozen=True)
class Kind:
    """How it is known (files, and what stands in them), and what is usual: a port, a health path, a memory limit.

    `pages`: people open it in a browser; they do not only call it.
    """

    name: str
    files: str
    pattern: str
    port: int | None
    pages: bool = False
    health: str = ""
    memory: str = "512m"


NGINX = Kind("nginx", "Dockerfile", r"(^|/)nginx(:|$)", 80, pages=True, memory="128m")
KINDS = (
    Kind("Next.js", r"package\.json", r'"next"\s*:', 3000, pages=True),
    Kind("Nuxt", r"package\.json", r'"nuxt"\s*:', 3000, pages=True),
    Kind("NestJS", r"package\.json", r'"@nestjs/core"\s*:', 3000),
    Kind("Express", r"package\.json", r'"express"\s*:', 3000),
    Kind("Fastify", r"package\.json", r'"fastify"\s*:', 3000),
    Kind("Spring Boot", ANY_JAVA, r"spring-boot-starter-actuator", 8080, health="/actuator/health", memory="1g"),
    Kind("Spring Boot", ANY_JAVA, r"org\.springframework\.boot", 8080, memory="1g"),
    Kind("FastAPI", ANY_PYTHON, r"(?i)\bfastapi\b", 8000),
    Kind("Django", ANY_PYTHON, r"(?i)\bdjango\b", 8000, pages=True),
    Kind("Flask", ANY_PYTHON, r"(?i)\bflask\b", 5000),
)
UNKNOWN = Kind("", "", "", None)


def kind(folder: Folder) -> Kind:
    """What the service is made with: nginx where the image is one, whatever built its pages; else the first found."""
    image = parse(folder.texts["Dockerfile"]).last()
    if image and re.search(NGINX.pattern, image.base):
        return NGINX
    for one in KINDS:
        for name, text in folder.texts.items():
            if re.fullmatch(one.files, name) and re.search(one.pattern, text):
                return one
    return UNKNOWN
