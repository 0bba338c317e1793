# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Every file says under which licences it is, in its first lines."""

import tree

LINE = 'SPDX-License-Identifier: GPL-2.0-only OR MIT'
# The licences themselves, and what has a form without comments.
EXEMPT = ('LICENSES/', 'packaging/debian/changelog', 'packaging/debian/copyright', 'packaging/debian/source/')


for path in tree.files():
    if path.startswith(EXEMPT):
        continue
    with open(path, 'rb') as f:
        head = f.read(4096)
    if b'\0' in head:		# a picture
        continue
    if LINE.encode() not in b'\n'.join(head.split(b'\n')[:5]):
        tree.complain(path, f"its first lines do not have '{LINE}'")
tree.end()
