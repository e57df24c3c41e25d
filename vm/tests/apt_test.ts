import { assertEquals } from "@std/assert";
import { fromDeb822, fromLines } from "../apt.ts";

Deno.test("fromDeb822: the archive with its keyring, past other sources", () => {
  const text = `Types: deb
# a comment
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Signed-By: /keys/security.gpg

Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Signed-By: /keys/archive.gpg
`;
  assertEquals(fromDeb822(text), {
    uri: "http://mirror.example/debian",
    signedBy: "/keys/archive.gpg",
  });
});

Deno.test("fromDeb822: not a disabled source, nor an embedded key for a path", () => {
  const off = "Types: deb\nEnabled: no\nURIs: http://mirror.example/debian\nSuites: sid\n";
  assertEquals(fromDeb822(off), undefined);
  const embedded = "Types: deb\nURIs: http://mirror.example/debian/\nSigned-By:\n -----BEGIN\n";
  assertEquals(fromDeb822(embedded), {
    uri: "http://mirror.example/debian/",
    signedBy: undefined,
  });
});

Deno.test("fromLines: with and without options", () => {
  const third = "deb https://packages.example/apt cloud main\n";
  const plain = "# deb http://off.example/debian sid main\ndeb http://on.example/debian sid main\n";
  assertEquals(fromLines(third), undefined);
  assertEquals(fromLines(third + plain), {
    uri: "http://on.example/debian",
    signedBy: undefined,
  });
  const signed = "deb [arch=amd64 signed-by=/k.gpg] http://on.example/debian bookworm main\n";
  assertEquals(fromLines(signed), { uri: "http://on.example/debian", signedBy: "/k.gpg" });
});
