#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Pictures for tests of frame buffers: to show, and to compare with what a program has drawn.

usage: picture.py draw WIDTH HEIGHT SEED NAME      NAME.ppm, NAME.png: no two pixels near each other alike
       picture.py raw NAME.ppm DEPTH FILE          the same as in screen memory of DEPTH bits a pixel
       picture.py shown WIDTH HEIGHT DEPTH FILE NAME.ppm    and back
       picture.py shows PID NAME.ppm HOW SECONDS   what the screen of a process, of /dev/fb0, comes to show
       picture.py is NAME.ppm OTHER.ppm HOW        the same of two files
       picture.py xwd FILE NAME.ppm                a dump of the X server's, of 16 or 32 bits a pixel
       picture.py lit NAME.ppm X Y WIDTH HEIGHT    a rectangle is not all of one colour
       picture.py paint COLOUR                     fills /dev/fb0, and goes on touching it
       picture.py reads TIMES SECONDS COLOUR...    a read of all of /dev/fb0 is of one painter; so many, and
                                                   until each was seen
       picture.py pans                             a picture behind another, and then that

HOW: `all`, or `all,N`: each colour differs by N at most; `part`: the picture is somewhere on the screen.
"""

import array
import fcntl
import mmap
import os
import re
import struct
import sys
import time
import zlib

LOOK = 0xc0205802       # XFBIO_LOOK
GET_VAR, PUT_VAR, PAN, WAITFORVSYNC = 0x4600, 0x4601, 0x4606, 0x40044620


class Picture:
    def __init__(self, width, height, rows):
        self.width, self.height, self.rows = width, height, rows    # rows of R, G, B

    @classmethod
    def load(cls, name):
        with open(name, 'rb') as f:
            data = f.read()
        head = re.match(rb'P6\s+(\d+)\s+(\d+)\s+255\s', data)
        width, height = int(head[1]), int(head[2])
        at, n = head.end(), width * 3
        return cls(width, height, [data[at + y * n:at + (y + 1) * n] for y in range(height)])

    def save(self, name):
        with open(name, 'wb') as f:
            f.write(b'P6\n%d %d\n255\n' % (self.width, self.height) + b''.join(self.rows))

    def save_png(self, name):
        def chunk(kind, data):
            return struct.pack('>I', len(data)) + kind + data + \
                struct.pack('>I', zlib.crc32(kind + data))
        with open(name, 'wb') as f:
            f.write(b'\x89PNG\r\n\x1a\n' +
                    chunk(b'IHDR', struct.pack('>IIBBBBB', self.width, self.height, 8, 2, 0, 0, 0)) +
                    chunk(b'IDAT', zlib.compress(b''.join(b'\0' + row for row in self.rows))) +
                    chunk(b'IEND', b''))

    def differs(self, other, most):
        """Why other is not this picture, to within `most`; None if it is."""
        if (self.width, self.height) != (other.width, other.height):
            return f'{other.width}x{other.height}, not {self.width}x{self.height}'
        for y, (must, got) in enumerate(zip(self.rows, other.rows)):
            if must == got:
                continue
            far = [i // 3 for i, (a, b) in enumerate(zip(must, got)) if abs(a - b) > most]
            if far:
                x = far[0]
                return f'row {y}: from pixel {x} on: {got[x * 3:x * 3 + 9].hex(" ", 3)},' \
                       f' not {must[x * 3:x * 3 + 9].hex(" ", 3)}'
        return None

    def holds(self, part):
        """Is the other picture a part of this one?"""
        for top in range(self.height - part.height + 1):
            at = self.rows[top].find(part.rows[0])
            while at >= 0:
                if at % 3 == 0 and all(self.rows[top + y][at:at + part.width * 3] == row
                                       for y, row in enumerate(part.rows)):
                    return True
                at = self.rows[top].find(part.rows[0], at + 1)
        return False


def compare(got, must, how):
    """Why `got` is not what it must be; None if it is."""
    if how == 'part':
        return None if got.holds(must) else 'the picture is nowhere on the screen'
    return must.differs(got, int((how.split(',') + ['0'])[1]))


def draw(width, height, seed, name):
    rows = []
    for y in range(height):
        row = bytearray()
        for x in range(width):
            row += bytes(((x * 3 + y + seed) & 255, (x ^ y * 5) * seed & 255, (x // 256 * 64 + y // 4) & 255))
        rows.append(bytes(row))
    picture = Picture(width, height, rows)
    picture.save(name + '.ppm')
    picture.save_png(name + '.png')


def to_raw(row, depth):
    r, g, b = row[0::3], row[1::3], row[2::3]
    if depth == 16:
        return b''.join(struct.pack('<H', r >> 3 << 11 | g >> 2 << 5 | b >> 3) for r, g, b in zip(r, g, b))
    n = depth // 8
    raw = bytearray(len(r) * n)
    raw[0::n], raw[1::n], raw[2::n] = b, g, r
    return bytes(raw)


def from_raw(raw, depth):
    n = depth // 8
    row = bytearray(len(raw) // n * 3)
    if depth == 16:
        pixels = struct.unpack(f'<{len(raw) // 2}H', raw)
        row[0::3] = bytes((p >> 11) * 255 // 31 for p in pixels)
        row[1::3] = bytes((p >> 5 & 63) * 255 // 63 for p in pixels)
        row[2::3] = bytes((p & 31) * 255 // 31 for p in pixels)
    else:
        row[0::3], row[1::3], row[2::3] = raw[2::n], raw[1::n], raw[0::n]
    return bytes(row)


def raw(name, depth, file):
    """Rows begin at multiples of 64 bytes."""
    with open(file, 'wb') as f:
        for row in Picture.load(name).rows:
            line = to_raw(row, depth)
            f.write(line + bytes(-len(line) % 64))


def shown(width, height, depth, file, name):
    pitch = (width * depth // 8 + 63) // 64 * 64
    with open(file, 'rb') as f:
        data = f.read()
    Picture(width, height, [from_raw(data[y * pitch:][:width * depth // 8], depth)
                            for y in range(height)]).save(name)


def xwd(file, name):
    with open(file, 'rb') as f:
        data = f.read()
    head = struct.unpack('>25I', data[:100])
    size, width, height, depth, pitch, colours = head[0], head[4], head[5], head[11], head[12], head[19]
    at = size + 12 * colours
    Picture(width, height, [from_raw(data[at + y * pitch:][:width * depth // 8], depth)
                            for y in range(height)]).save(name)


def lit(name, x, y, width, height):
    part = b''.join(row[x * 3:(x + width) * 3] for row in Picture.load(name).rows[y:y + height])
    return f'nothing at {x}, {y}' if part == part[:3] * (len(part) // 3) else None


def look(fd, pid):
    """What process pid has drawn. None: it has no screen (yet)."""
    room = array.array('B', bytes(4096 * 2048))
    asked = bytearray(struct.pack('iIIIIIQ', pid, 0, 0, 0, 0, len(room), room.buffer_info()[0]))
    try:
        fcntl.ioctl(fd, LOOK, asked)
    except ProcessLookupError:
        return None
    _, width, height, depth, pitch, length, _ = struct.unpack('iIIIIIQ', asked)
    data = room[:length].tobytes()
    return Picture(width, height, [from_raw(data[y * pitch:y * pitch + width * depth // 8], depth)
                                   for y in range(height)])


def shows(pid, name, how, seconds):
    must, got, why = Picture.load(name), None, 'it has no screen'
    fd = os.open('/dev/fb0', os.O_RDONLY)
    end = time.monotonic() + seconds
    while why and time.monotonic() < end:
        time.sleep(0.1)
        got = look(fd, pid)
        if got:
            why = compare(got, must, how)
    if why and got and os.environ.get('DEVMAP_TEST_PICTURES'):
        got.save(os.path.join(os.environ['DEVMAP_TEST_PICTURES'], f'{pid}.ppm'))
    return why


def screen(fd):
    size = struct.unpack_from('I', fcntl.ioctl(fd, 0x4602, bytes(80)), 24)[0]
    return mmap.mmap(fd, size), size


def paint(colour):
    memory, size = screen(os.open('/dev/fb0', os.O_RDWR))
    memory[:] = struct.pack('I', colour) * (size // 4)
    print('painted', flush=True)
    while True:
        memory[size - 4:size] = struct.pack('I', colour)
        time.sleep(0.0005)


def reads(times, seconds, colours):
    fd = os.open('/dev/fb0', os.O_RDONLY)
    seen, end = set(), time.monotonic() + seconds
    while times > 0 or (seen != set(colours) and time.monotonic() < end):
        times -= 1
        got = os.pread(fd, 1 << 20, 0)
        first = struct.unpack_from('I', got)[0]
        if got != struct.pack('I', first) * (len(got) // 4):
            at = next(i for i in range(0, len(got), 4) if got[i:i + 4] != got[:4])
            return f'{first:#x} up to {at}, then {struct.unpack_from("I", got, at)[0]:#x}'
        seen.add(first)
    return None if seen == set(colours) else f'nobody but {seen}'


def pans():
    """Two pictures, one behind the other; each is what the screen shows in turn, a blank apart."""
    fd = os.open('/dev/fb0', os.O_RDWR)
    var = bytearray(fcntl.ioctl(fd, GET_VAR, bytes(160)))
    width, height = struct.unpack_from('II', var)
    struct.pack_into('I', var, 12, 2 * height)
    fcntl.ioctl(fd, PUT_VAR, var)
    memory, _ = screen(fd)
    length = struct.unpack_from('I', fcntl.ioctl(fd, 0x4602, bytes(80)), 48)[0] * height
    memory[:2 * length] = b'\x11' * length + b'\x22' * length
    for yoffset, pixel in ((height, 0x22), (height // 2, 0x11), (0, 0x11), (height, 0x22)):
        struct.pack_into('I', var, 20, yoffset)
        fcntl.ioctl(fd, WAITFORVSYNC, struct.pack('I', 0))
        fcntl.ioctl(fd, PAN, var)
        got = look(fd, os.getpid())
        last = 0x22 if yoffset else 0x11
        if (got.width, got.height, got.rows[0][0], got.rows[-1][0]) != (width, height, pixel, last):
            return f'yoffset {yoffset}: {got.rows[0][0]:#x} to {got.rows[-1][0]:#x}'
    return None


def main(command, *args):
    if command == 'draw':
        draw(int(args[0]), int(args[1]), int(args[2]), args[3])
    elif command == 'raw':
        raw(args[0], int(args[1]), args[2])
    elif command == 'shown':
        shown(*map(int, args[:3]), *args[3:])
    elif command == 'xwd':
        xwd(*args)
    elif command == 'lit':
        return lit(args[0], *map(int, args[1:]))
    elif command == 'paint':
        paint(int(args[0], 0))
    elif command == 'shows':
        return shows(int(args[0]), args[1], args[2], float(args[3]))
    elif command == 'is':
        return compare(Picture.load(args[0]), Picture.load(args[1]), args[2])
    elif command == 'reads':
        return reads(int(args[0]), float(args[1]), [int(c, 0) for c in args[2:]])
    elif command == 'pans':
        return pans()
    return None


problem = main(*sys.argv[1:])
if problem:
    sys.exit('# ' + problem)
