"""Analytics: one module per figure, with its route, the schema of its response and an example.

Every module of this package is collected; none is listed anywhere else.
"""

from importlib import import_module
from pkgutil import iter_modules

from fastapi import APIRouter

router = APIRouter()
for _module in iter_modules(__path__):
    router.routes.extend(import_module(f"{__name__}.{_module.name}").router.routes)
