"""The package `@orderpulse/client`: what it promises, what its types promise, and that they are the schema's."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import pytest
from graphql import build_schema, parse, validate

from tests.web.packages import ROOT, SCHEMA, WEB, attempt, run

if TYPE_CHECKING:
    from pathlib import Path

DOCS: Final = ROOT / "docs/client.md"
GUIDE: Final = ROOT / "docs/guides/nextjs.md"
FILES: Final = re.findall(
    r"^```tsx?\n// (\S+)\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL
)
"""Path and text of every file that the guide tells to write."""
NEXT_TYPES: Final = """
declare const process: { env: Record<string, string | undefined> };
declare module 'next/navigation' {
  export function notFound(): never;
  export function redirect(url: string): never;
}
declare module 'next/headers' {
  export function cookies(): Promise<{
    get(name: string): { value: string } | undefined;
    set(name: string, value: string, options: { httpOnly: boolean; secure: boolean; sameSite: 'lax' }): void;
  }>;
}
"""
"""What the guide uses of Next.js, by its documentation; the framework itself is no dependency of ours."""
COMPILER_OPTIONS: Final = {
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "target": "ES2022",
    "lib": ["ES2023", "DOM", "DOM.Iterable"],
    "module": "ESNext",
    "moduleResolution": "bundler",
    "jsx": "react-jsx",
    "noEmit": True,
    "types": ["react"],
}
"""Unlike the pages' own, these look into the package's declarations: `skipLibCheck` is off."""


def check_types(folder: Path) -> list[str]:
    """Return what the type checker says about a folder that has the locked packages."""
    (folder / "node_modules").symlink_to(WEB / "node_modules")
    settings = {"compilerOptions": COMPILER_OPTIONS, "include": ["**/*.ts", "**/*.tsx"]}
    (folder / "tsconfig.json").write_text(json.dumps(settings))
    return attempt([WEB / "node_modules/.bin/tsc", "--project", folder], folder).stdout.splitlines()


def write(folder: Path, files: list[tuple[str, str]]) -> None:
    for name, text in files:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")


def test_it_does_what_it_promises(npm: str) -> None:
    run([npm, "test", "--silent"], WEB / "client")


def test_a_shop_installs_it_from_a_clone_with_nothing_else(npm: str, tmp_path: Path) -> None:
    (command,) = set(re.findall(r"^npm install .*$", DOCS.read_text("utf-8"), re.MULTILINE))
    installed = tmp_path / "node_modules/@orderpulse/client"

    run([npm, *command.split()[1:-1], "--offline", WEB / "client"], tmp_path)
    run(["node", "--eval", "import('@orderpulse/client').then(({ trackOrder }) => trackOrder({}))"], tmp_path)

    assert not installed.is_symlink()  # from a link, bundlers would look for React in the wrong place
    assert sorted(each.name for each in installed.iterdir()) == ["dist", "package.json"]
    assert "install-links=true" in (ROOT / "examples/react/.npmrc").read_text("utf-8")


def test_the_guide_to_nextjs_passes_the_type_check(npm: str, tmp_path: Path) -> None:
    del npm  # it has put the packages in place
    write(tmp_path, [("next.d.ts", NEXT_TYPES), *FILES])

    assert [name for name, _ in FILES] == [
        "lib/orderpulse.ts",
        "app/checkout/actions.ts",
        "app/orders/[id]/page.tsx",
        "app/orders/[id]/live-order.tsx",
        "app/orders/[id]/token/route.ts",
    ]
    assert check_types(tmp_path) == []


def test_what_the_guide_asks_of_the_api_is_there() -> None:
    schema = build_schema(SCHEMA.read_text("utf-8"))
    documents = re.findall(r"/\* GraphQL \*/ `(.*?)`", GUIDE.read_text("utf-8"), re.DOTALL)

    assert len(documents) == 3
    assert [validate(schema, parse(document)) for document in documents] == [[], [], []]


def test_the_example_with_the_hook_passes_the_type_check(npm: str, tmp_path: Path) -> None:
    del npm
    write(tmp_path, [("main.tsx", (ROOT / "examples/react/src/main.tsx").read_text("utf-8"))])

    assert check_types(tmp_path) == []


def test_the_types_catch_what_is_not_there(npm: str, tmp_path: Path) -> None:
    del npm
    wrong = {
        "order.status === 'PAYED'": "no overlap",
        "order.shipper": "Property 'shipper' does not exist",
        "events[0].type": "possibly 'undefined'",
    }
    given = "{ url: '/graphql', orderId: 'ord_1', token: 'oat_1' }"
    loops = [
        f"for await (const {{ order, events }} of trackOrder({given})) console.log({used}, order, events);"
        for used in wrong
    ]
    write(
        tmp_path, [("wrong.ts", "\n".join(["import { trackOrder } from '@orderpulse/client';", *loops, ""]))]
    )

    said = check_types(tmp_path)

    assert len(said) == len(wrong)
    assert [complaint in line for complaint, line in zip(wrong.values(), said, strict=True)] == [True] * 3


@pytest.mark.parametrize(
    ("promised", "kept", "complaint"),
    [
        ("  paymentInProgress: Boolean!\n", "", 'Cannot query field "paymentInProgress"'),
        ("orderEvents(orderId: ID!, after: Cursor)", "orderEvents(orderId: ID!, after: Int)", "after"),
    ],
)
def test_a_schema_that_the_operations_do_not_fit_breaks_the_build(
    npm: str, tmp_path: Path, promised: str, kept: str, complaint: str
) -> None:
    del npm
    schema = SCHEMA.read_text("utf-8")
    assert schema.count(promised) == 1
    changed = tmp_path / "schema.graphql"
    changed.write_text(schema.replace(promised, kept), "utf-8")
    program = (
        f"import {{ operationTypes }} from {json.dumps(str(WEB / 'operations.mjs'))};\n"
        f"await operationTypes({json.dumps(str(changed))}, 'client/src');"
    )

    done = attempt(["node", "--input-type=module", "--eval", program], WEB)

    assert done.returncode == 1
    assert complaint in done.stderr
