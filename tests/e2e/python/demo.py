"""The tour that `doorward demo` prints, done line by line as somebody who pastes it would."""

import json
import os
import re
import subprocess
import unittest
from urllib.parse import parse_qs, urlsplit

import requests

from person import ISSUER, Person

with open(os.environ["DOORWARD_TOUR"]) as printed:
    SAID = printed.read()
EMAIL, PASSWORD = re.search(r"^  Person +(\S+) +(\S+)$", SAID, re.MULTILINE).groups()
LINES = [line.strip() for line in SAID.split("to be pasted line by line:")[1].splitlines() if line.strip()]


class Tour(unittest.TestCase):
    def test_every_line_does_what_it_says(self):
        person, code, done = Person(EMAIL, PASSWORD), None, []
        for line in LINES:
            if line.startswith("#"):
                continue
            if line.startswith("curl "):
                self.assertTrue("CODE" not in line or code, "the code comes before the line that needs it")
                ran = subprocess.run(
                    ["sh", "-c", line.replace("code=CODE", f"code={code}")],
                    capture_output=True, text=True, timeout=60, check=True)
                done.append(json.loads(ran.stdout))
                self.assertNotIn("error", done[-1], line)
            elif "/oauth2/authorize?" in line:
                code = parse_qs(urlsplit(person.authorize(line)).query)["code"][0]
            else:
                page = person.browser.get(line, timeout=30)
                self.assertEqual(page.status_code, 200, line)
        metadata, keys, own, adas = done
        self.assertEqual(metadata["issuer"], ISSUER)
        self.assertTrue(keys["keys"])
        self.assertIn("access_token", own)
        self.assertIn("id_token", adas)


if __name__ == "__main__":
    unittest.main()
