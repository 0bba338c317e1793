/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* drivers/xfb.c on models/xfbhw.c: contexts, screens, fbdev; and what the engine draws. */
#include <linux/fb.h>
#include <linux/ioctl.h>
#define FAKE_SETS 4
#include "fake_ddi.h"
#include "../../drivers/xfb.c"
#include "../../models/xfbhw.c"
#include "../../demo/render.h"

#define MEMORY (fake.len[XFB_SET_SCREEN])

/* The first setting of a name is the one that counts. */
static void set_prop(const char *name, int value)
{
	size_t i = 0;

	while (fake.prop[i].name != NULL)
		i++;
	fake.prop[i].name = name;
	fake.prop[i].value = value;
}

/* A device of 64x48, 3 pages, unless the test has said otherwise. */
static void begin_device(int virtual_screens)
{
	set_prop("width", 64);
	set_prop("height", 48);
	set_prop("virtual-screens", virtual_screens);
	fake_begin(&devmap_model);
}

static struct fake_handle *map_regs(pid_t pid)
{
	return fake_mmap(pid, (offset_t)MEMORY, XFB_REGISTERS_SIZE);
}

static uint32_t random32(void)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 16);
}

static void store(struct fake_handle *regs, unsigned reg, uint32_t value)
{
	*fake_at(regs, reg) = value;
}

static uint32_t load(struct fake_handle *regs, unsigned reg)
{
	return *fake_at(regs, reg);
}

/* Runs the model until it rests. Returns how many calls that took. */
static int drain(void)
{
	int n = 0;

	while (fake_sync()) {
		if (n++ > 10000)
			fail_msg("the engine does not come to rest");
	}
	return n;
}

static void start_fill(struct fake_handle *regs, int x, int y, int w, int h, uint32_t colour)
{
	store(regs, XFB_DST_X, (uint32_t)x);
	store(regs, XFB_DST_Y, (uint32_t)y);
	store(regs, XFB_EXTENT_X, (uint32_t)w);
	store(regs, XFB_EXTENT_Y, (uint32_t)h);
	store(regs, XFB_FOREGROUND, colour);
	store(regs, XFB_COMMAND, XFB_FILL);
}

/* Contexts. */

/* C1, C4: what a process has stored it loads again, however the accesses mix. */
static void test_registers(void **unused)
{
	enum { PROCS = 5, WORDS = XFB_NSTATE };
	static uint32_t shadow[PROCS][WORDS];
	struct fake_handle *h[PROCS];

	begin_device(0);
	memset(shadow, 0, sizeof(shadow));
	for (int p = 0; p < PROCS; p++) {
		h[p] = map_regs(100 + p);
		for (unsigned i = 0; i < WORDS; i++)
			store(h[p], XFB_STATE + i * 4, shadow[p][i] = random32());
	}
	for (int i = 0; i < 20000; i++) {
		unsigned p = random32() % PROCS, w = random32() % WORDS;

		assert_int_equal(load(h[p], XFB_STATE + w * 4), shadow[p][w]);
		w = random32() % WORDS;
		store(h[p], XFB_STATE + w * 4, shadow[p][w] = random32());
	}
	fake_end();
}

static void test_reset_state(void **unused)
{
	struct fake_handle *a, *b;

	begin_device(0);
	a = map_regs(1);
	for (unsigned reg = XFB_STATE; reg < XFB_REGISTERS_SIZE; reg += 4)
		store(a, reg, 0xdeadbeef);
	b = map_regs(2);
	assert_int_equal(load(b, XFB_FOREGROUND), 0xffffff);
	assert_int_equal(load(b, XFB_ROP), XFB_ROP_COPY);
	assert_int_equal(load(b, XFB_CLIP_WIDTH), 64);
	assert_int_equal(load(b, XFB_CLIP_HEIGHT), 48);
	assert_int_equal(load(b, XFB_DST_PITCH), 256);
	assert_int_equal(load(b, XFB_FENCE), 0);
	assert_int_equal(load(b, XFB_LOCAL), 0);
	assert_int_equal(load(b, XFB_REGISTERS_SIZE - 4), 0);
	fake_end();
}

/* All mappings of a process share its context, and nobody else's. */
static void test_one_context_a_process(void **unused)
{
	struct fake_handle *a1, *a2, *b;

	begin_device(0);
	a1 = map_regs(1);
	a2 = map_regs(1);
	b = map_regs(2);
	store(a1, XFB_LOCAL, 5);
	assert_int_equal(load(a2, XFB_LOCAL), 5);
	store(b, XFB_LOCAL, 6);
	store(a2, XFB_LOCAL, 7);
	fake_munmap(a2, 0, XFB_REGISTERS_SIZE);
	assert_int_equal(load(b, XFB_LOCAL), 6);
	assert_int_equal(load(a1, XFB_LOCAL), 7);
	fake_munmap(a1, 0, XFB_REGISTERS_SIZE);
	a1 = map_regs(1);
	assert_int_equal(load(a1, XFB_LOCAL), 0);
	fake_end();
}

/* An operation in flight ends in the context that began it. */
static void test_in_flight(void **unused)
{
	struct fake_handle *a, *b;

	set_prop("width", 640);
	set_prop("height", 480);
	begin_device(0);
	a = map_regs(1);
	b = map_regs(2);
	store(b, XFB_FOREGROUND, 77);
	start_fill(a, 0, 0, 640, 480, 0x123456);
	(void)fake_sync();
	assert_int_equal(load(a, XFB_STATUS), XFB_BUSY);
	assert_int_equal(load(a, XFB_FENCE), 0);
	assert_int_equal(load(b, XFB_FOREGROUND), 77);
	assert_int_equal(load(b, XFB_STATUS), 0);
	assert_int_equal(load(b, XFB_FENCE), 0);
	assert_int_equal(((uint32_t *)fake.set[XFB_SET_SCREEN])[640 * 480 - 1], 0x123456);
	assert_int_equal(load(a, XFB_FENCE), 1);
	fake_end();
}

/* A command that was stored but never seen before the switch still uses the state of its owner. */
static void test_unseen_command(void **unused)
{
	struct fake_handle *a, *b;
	uint32_t *pixels;

	begin_device(0);
	pixels = (uint32_t *)fake.set[XFB_SET_SCREEN];
	a = map_regs(1);
	b = map_regs(2);
	store(b, XFB_FOREGROUND, 2);
	start_fill(a, 0, 0, 1, 1, 1);
	store(b, XFB_DST_X, 5);
	assert_int_equal(pixels[0], 1);
	assert_int_equal(load(b, XFB_FENCE), 0);
	assert_int_equal(load(a, XFB_FENCE), 1);
	assert_int_equal(load(a, XFB_COMMAND), 0);
	fake_end();
}

/* C11: an engine that does not get idle fails the access that wants it, and nothing else. */
static void test_stuck(void **unused)
{
	struct fake_handle *a, *b;
	int error;

	begin_device(0);
	a = map_regs(1);
	b = map_regs(2);
	store(b, XFB_LOCAL, 2);
	store(a, XFB_LOCAL, 1);
	*fake_word(XFB_SET_REGS, XFB_STATUS) = XFB_BUSY;
	fake.stuck = 1;
	assert_null(fake_try(b, XFB_LOCAL, &error));
	assert_int_equal(error, EIO);
	assert_int_equal(fake.messages, 1);
	assert_true(fake.time >= XFB_IDLE_NS && fake.time < 2 * XFB_IDLE_NS);
	assert_int_equal(load(a, XFB_LOCAL), 1);
	assert_null(fake_fork(a, 3, &error));
	assert_int_equal(error, EIO);
	fake.stuck = 0;
	assert_int_equal(load(b, XFB_LOCAL), 2);
	assert_int_equal(load(a, XFB_LOCAL), 1);
	fake_end();
}

/* C21: the child begins with what the parent has at that moment. */
static void test_fork(void **unused)
{
	struct fake_handle *a, *b, *child, *other;
	int error;

	begin_device(0);
	a = map_regs(1);
	b = map_regs(2);
	store(a, XFB_LOCAL, 1);
	child = fake_fork(a, 3, &error); /* of the owner */
	store(b, XFB_LOCAL, 2);
	store(a, XFB_LOCAL, 4);
	assert_int_equal(load(child, XFB_LOCAL), 1);
	store(child, XFB_LOCAL, 3);
	other = fake_fork(a, 5, &error); /* of somebody else */
	assert_int_equal(load(other, XFB_LOCAL), 4);
	assert_int_equal(load(child, XFB_LOCAL), 3);
	/* Known by now, so that its new mapping is of the same context. */
	assert_int_equal(load(map_regs(3), XFB_LOCAL), 3);
	assert_int_equal(load(a, XFB_LOCAL), 4);
	fake_end();
}

/* A child has one context for all mappings; two children do not share theirs. */
static void test_fork_several_mappings(void **unused)
{
	struct fake_handle *a1, *a2, *a3, *c1, *c2, *d1, *d2, *e3;
	int error;

	begin_device(0);
	a1 = map_regs(1);
	a2 = map_regs(1);
	store(a1, XFB_LOCAL, 1);
	c1 = fake_fork(a1, 2, &error);
	c2 = fake_fork(a2, 2, &error);
	d1 = fake_fork(a1, 3, &error);
	d2 = fake_fork(a2, 3, &error);
	store(c1, XFB_LOCAL, 2);
	store(d2, XFB_LOCAL, 3);
	assert_int_equal(load(c2, XFB_LOCAL), 2);
	assert_int_equal(load(d1, XFB_LOCAL), 3);
	assert_int_equal(load(a2, XFB_LOCAL), 1);
	a3 = map_regs(1);
	fake_munmap(a1, 0, XFB_REGISTERS_SIZE);
	fake_munmap(a2, 0, XFB_REGISTERS_SIZE);
	e3 = fake_fork(a3, 4, &error);
	store(e3, XFB_LOCAL, 4);
	assert_int_equal(load(d2, XFB_LOCAL), 3);
	/* A fork that failed half way: the next one does not build on it. */
	fake_munmap(fake_fork(a3, 5, &error), 0, XFB_REGISTERS_SIZE);
	e3 = fake_fork(a3, 6, &error);
	assert_int_equal(load(e3, XFB_LOCAL), 1);
	a2 = map_regs(1);
	fake_munmap(fake_fork(a3, 7, &error), 0, XFB_REGISTERS_SIZE);
	assert_int_equal(load(fake_fork(a2, 8, &error), XFB_LOCAL), 1);
	fake_end();
}

/* C7: who goes leaves nothing, not even while the engine works for him. */
static void test_exit_in_flight(void **unused)
{
	struct fake_handle *a, *b;

	begin_device(0);
	a = map_regs(1);
	b = map_regs(2);
	start_fill(a, 0, 0, 64, 48, 9);
	fake_munmap(a, 0, XFB_REGISTERS_SIZE);
	assert_int_equal(load(b, XFB_FENCE), 0);
	assert_int_equal(load(b, XFB_STATUS), 0);
	assert_int_equal(drain(), 0);
	assert_int_equal(load(b, XFB_FENCE), 0);
	fake_end();
}

static void test_hold(void **unused)
{
	set_prop("hold-ms", 7);
	begin_device(0);
	(void)map_regs(1);
	assert_int_equal(fake.hold, 7);
	fake_end();
}

/* read(2) or write(2). Returns its error; *done bytes were transferred. */
static int transfer(int out, offset_t off, void *buf, size_t len, size_t *done)
{
	iovec_t iov = { buf, len };
	uio_t uio = {
		.uio_iov = &iov, .uio_iovcnt = 1, .uio_loffset = off, .uio_resid = (ssize_t)len
	};
	struct cb_ops *cb = fake.dev_ops->devo_cb_ops;
	int error = out ? cb->cb_write(0, &uio, NULL) : cb->cb_read(0, &uio, NULL);

	*done = len - (size_t)uio.uio_resid;
	return error;
}

/* Virtual screens. */

/* Each process has the whole screen, drawn on by stores, by the engine, and by write(2). */
static void test_virtual_screens(void **unused)
{
	enum { PROCS = 3, PIXELS = 64 * 1024 };
	static uint32_t shadow[PROCS][PIXELS];
	struct fake_handle *screen[PROCS], *regs[PROCS];
	size_t n;

	set_prop("height", 1024);
	begin_device(1);
	memset(shadow, 0, sizeof(shadow));
	for (int p = 0; p < PROCS; p++) {
		screen[p] = fake_mmap(10 + p, 0, MEMORY);
		regs[p] = map_regs(10 + p);
	}
	for (int i = 0; i < 5000; i++) {
		unsigned p = random32() % PROCS, at = random32() % PIXELS;
		uint32_t value = random32();

		assert_int_equal(*fake_at(screen[p], at * 4), shadow[p][at]);
		at = random32() % PIXELS;
		if (i % 3 == 0) {
			*fake_at(screen[p], at * 4) = value;
		} else if (i % 3 == 1) {
			fake.pid = screen[p]->pid;
			assert_int_equal(transfer(1, at * 4, &value, 4, &n), 0);
		} else {
			start_fill(regs[p], at % 64, at / 64, 1, 1, value);
			drain();
		}
		shadow[p][at] = value;
	}
	fake_end();
}

/* The device shows the owner's. */
static void test_virtual_shows_owner(void **unused)
{
	struct fake_handle *a, *b;

	begin_device(1);
	a = fake_mmap(1, 0, MEMORY);
	b = fake_mmap(2, 0, MEMORY);
	*fake_at(a, 0) = 1;
	assert_int_equal(*fake_word(XFB_SET_SCREEN, 0), 1);
	*fake_at(b, 4096) = 2;
	assert_int_equal(*fake_word(XFB_SET_SCREEN, 0), 0);
	assert_int_equal(*fake_at(a, 0), 1);
	assert_int_equal(*fake_word(XFB_SET_SCREEN, 4096), 0);
	fake_end();
}

/* C20, C22: one mmap of both parts, cut up in every way, remains one context. */
static void test_partial_unmap(void **unused)
{
	struct fake_handle *a, *regs, *tail, *other;
	size_t len;
	int error;

	set_prop("height", 256);
	begin_device(1);
	assert_int_equal(MEMORY, 16 * PAGESIZE);
	len = MEMORY + XFB_REGISTERS_SIZE;
	a = fake_mmap_part(1, 0, &len, &error);
	assert_int_equal(len, MEMORY);
	regs = map_regs(1);
	other = map_regs(2);
	for (size_t at = 0; at < MEMORY; at += PAGESIZE)
		*fake_at(a, at) = (uint32_t)at;
	store(regs, XFB_LOCAL, 1);
	tail = fake_munmap(a, 4 * PAGESIZE, 2 * PAGESIZE); /* a hole */
	store(other, XFB_LOCAL, 2);
	assert_int_equal(*fake_at(tail, 0), 6 * PAGESIZE);
	store(other, XFB_LOCAL, 3);
	assert_int_equal(*fake_at(a, 3 * PAGESIZE), 3 * PAGESIZE);
	tail = fake_munmap(tail, 0, PAGESIZE); /* the head */
	store(other, XFB_LOCAL, 4);
	assert_int_equal(*fake_at(tail, 0), 7 * PAGESIZE);
	assert_null(fake_munmap(tail, tail->len - PAGESIZE, PAGESIZE));
	store(other, XFB_LOCAL, 5);
	assert_int_equal(*fake_at(tail, tail->len - PAGESIZE), 14 * PAGESIZE);
	fake_munmap(a, 0, a->len);
	fake_munmap(regs, 0, regs->len);
	store(other, XFB_LOCAL, 6);
	assert_int_equal(*fake_at(tail, PAGESIZE), 8 * PAGESIZE);
	fake_end();
}

static void test_virtual_fork(void **unused)
{
	struct fake_handle *a, *child;
	int error;

	begin_device(1);
	a = fake_mmap(1, 0, MEMORY);
	*fake_at(a, 4) = 44;
	child = fake_fork(a, 2, &error);
	*fake_at(a, 4) = 55;
	assert_int_equal(*fake_at(child, 4), 44);
	*fake_at(child, 8) = 66;
	assert_int_equal(*fake_at(a, 4), 55);
	assert_int_equal(*fake_at(a, 8), 0);
	fake_end();
}

static void test_no_memory(void **unused)
{
	struct fake_handle *a;
	size_t len = PAGESIZE;
	int error;

	begin_device(1);
	fake.nosleep_fails = 1;
	assert_null(fake_mmap_part(1, 0, &len, &error));
	assert_int_equal(error, ENOMEM);
	a = fake_mmap(1, 0, PAGESIZE);
	*fake_at(a, 0) = 3;
	fake.nosleep_fails = 1;
	assert_null(fake_fork(a, 2, &error));
	assert_int_equal(error, ENOMEM);
	assert_int_equal(*fake_at(a, 0), 3);
	fake_end();
}

/* Mapping, read(2), write(2), ioctl(2). */

static void test_devmap_ranges(void **unused)
{
	struct fake_handle *h;
	size_t len;
	int error;

	begin_device(0);
	h = fake_mmap(1, PAGESIZE, PAGESIZE);
	assert_null(h->ops.devmap_access); /* C23 */
	assert_int_equal(h->roff, PAGESIZE);
	len = 100 * PAGESIZE;
	h = fake_mmap_part(1, 2 * PAGESIZE, &len, &error);
	assert_int_equal(len, PAGESIZE);
	h = map_regs(1);
	assert_non_null(h->ops.devmap_access);
	assert_int_equal(h->set, XFB_SET_REGS);
	for (offset_t off = 4 * PAGESIZE; off != 0; off = off > 0 ? -off : 0) {
		len = PAGESIZE;
		assert_null(fake_mmap_part(1, off, &len, &error));
		assert_int_equal(error, EINVAL);
	}
	fake_end();
}

static void test_read_write(void **unused)
{
	static char out[64 * 48 * 4], in[64 * 48 * 4 + 10];
	size_t n;

	begin_device(0);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)random32();
	assert_int_equal(transfer(1, 3, out + 3, 5001, &n), 0);
	assert_int_equal(n, 5001);
	assert_int_equal(transfer(1, 5004, out + 5004, sizeof(out) - 5004, &n), 0);
	assert_int_equal(transfer(1, 0, out, 3, &n), 0);
	assert_int_equal(transfer(0, 0, in, sizeof(in), &n), 0);
	assert_int_equal(n, sizeof(out));
	assert_memory_equal(in, out, sizeof(out));
	assert_int_equal(transfer(0, 4097, in, 5, &n), 0);
	assert_memory_equal(in, out + 4097, 5);
	assert_int_equal(transfer(0, (offset_t)MEMORY, in, 5, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(transfer(1, (offset_t)MEMORY, in, 5, &n), ENOSPC);
	assert_int_equal(transfer(1, (offset_t)MEMORY - 2, in, 5, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(transfer(0, -1, in, 5, &n), EINVAL);
	assert_int_equal(transfer(0, INT64_MAX, in, 5, &n), 0);
	assert_int_equal(transfer(0, 0, NULL, 5, &n), EFAULT);
	fake_end();
}

/* A process reads and writes its own screen, wherever that is; without one, what is shown. */
static void test_virtual_read_write(void **unused)
{
	struct fake_handle *a, *b;
	uint32_t v;
	size_t n;

	begin_device(1);
	a = fake_mmap(1, 0, MEMORY);
	b = fake_mmap(2, 0, MEMORY);
	*fake_at(a, 4) = 10;
	*fake_at(b, 4) = 20;
	fake.pid = 1;
	assert_int_equal(transfer(0, 4, &v, 4, &n), 0);
	assert_int_equal(v, 10);
	v = 11;
	assert_int_equal(transfer(1, 4, &v, 4, &n), 0);
	fake.pid = 2;
	assert_int_equal(transfer(0, 4, &v, 4, &n), 0);
	assert_int_equal(v, 20);
	v = 21;
	assert_int_equal(transfer(1, 8196, &v, 4, &n), 0);
	fake.pid = 3;
	assert_int_equal(transfer(0, 4, &v, 4, &n), 0);
	assert_int_equal(v, 20);
	assert_int_equal(transfer(1, 4, &v, 4, &n), ENXIO);
	assert_int_equal(n, 0);
	assert_int_equal(*fake_at(a, 4), 11);
	assert_int_equal(*fake_at(b, 8196), 21);
	fake_end();
}

static int control(unsigned long cmd, void *arg)
{
	int rval = 0;

	return fake.dev_ops->devo_cb_ops->cb_ioctl(0, (int)cmd, (intptr_t)arg, FREAD | FWRITE,
						   ddi_get_cred(), &rval);
}

/* The mode of a process, as it sees it. */
static struct fb_var_screeninfo mode_of(pid_t pid)
{
	struct fb_var_screeninfo var;

	fake.pid = pid;
	assert_int_equal(control(FBIOGET_VSCREENINFO, &var), 0);
	return var;
}

/* A process wants another depth, and so many rows. */
static int put_mode(pid_t pid, unsigned depth, unsigned rows)
{
	struct fb_var_screeninfo var = mode_of(pid);

	var.bits_per_pixel = depth;
	var.yres_virtual = rows;
	return control(FBIOPUT_VSCREENINFO, &var);
}

static int pan(pid_t pid, unsigned yoffset)
{
	struct fb_var_screeninfo var = mode_of(pid);

	var.yoffset = yoffset;
	return control(FBIOPAN_DISPLAY, &var);
}

/* What the display is told to show. */
static void expect_shown(uint32_t depth, uint32_t pitch, uint32_t start)
{
	assert_int_equal(*fake_word(XFB_SET_DISPLAY, XFB_DISPLAY_DEPTH), depth);
	assert_int_equal(*fake_word(XFB_SET_DISPLAY, XFB_DISPLAY_PITCH), pitch);
	assert_int_equal(*fake_word(XFB_SET_DISPLAY, XFB_DISPLAY_START), start);
}

/* Each depth with its pitch and its colours; nothing that does not fit, or that there is not. */
static void test_modes(void **unused)
{
	struct fb_var_screeninfo var;
	struct fb_fix_screeninfo fix;

	set_prop("depth", 24);
	set_prop("buffers", 2);
	begin_device(0);
	assert_int_equal(MEMORY, 2 * 256 * 48);
	var = mode_of(1);
	assert_int_equal(var.bits_per_pixel, 24);
	assert_int_equal(var.red.offset, 16);
	expect_shown(24, 192, 0);
	assert_int_equal(put_mode(1, 16, 0), 0);
	var = mode_of(2);
	assert_int_equal(var.bits_per_pixel, 16);
	assert_int_equal(var.yres_virtual, 48);
	assert_int_equal(var.red.offset, 11);
	assert_int_equal(var.red.length, 5);
	assert_int_equal(var.green.offset, 5);
	assert_int_equal(var.green.length, 6);
	assert_int_equal(var.blue.length, 5);
	assert_int_equal(control(FBIOGET_FSCREENINFO, &fix), 0);
	assert_int_equal(fix.line_length, 128);
	assert_int_equal(fix.smem_len, MEMORY);
	assert_int_equal(fix.ypanstep, 1);
	assert_int_equal(put_mode(1, 32, 97), 0);
	assert_int_equal(mode_of(1).yres_virtual, 96);
	assert_int_equal(put_mode(1, 16, 193), 0);
	assert_int_equal(mode_of(1).yres_virtual, 192);
	assert_int_equal(put_mode(1, 8, 48), EINVAL);
	var = mode_of(1);
	assert_int_equal(var.bits_per_pixel, 16);
	var.bits_per_pixel = 32;
	var.yres_virtual = 96;
	var.activate = FB_ACTIVATE_TEST;
	assert_int_equal(control(FBIOPUT_VSCREENINFO, &var), 0);
	assert_int_equal(var.bits_per_pixel, 32);
	assert_int_equal(mode_of(1).bits_per_pixel, 16);
	var.xres = 65;
	assert_int_equal(control(FBIOPUT_VSCREENINFO, &var), EINVAL);
	fake_end();
}

/* A shared screen is panned for all. */
static void test_pan(void **unused)
{
	struct fake_handle *a, *b;

	set_prop("buffers", 2);
	begin_device(0);
	a = map_regs(1);
	b = map_regs(2);
	assert_int_equal(pan(1, 1), EINVAL);
	assert_int_equal(put_mode(1, 32, 96), 0);
	assert_int_equal(pan(1, 48), 0);
	assert_int_equal(pan(2, 49), EINVAL);
	assert_int_equal(mode_of(2).yoffset, 48);
	expect_shown(32, 256, 48 * 256);
	store(a, XFB_LOCAL, 1);
	store(b, XFB_LOCAL, 2);
	expect_shown(32, 256, 48 * 256);
	fake_end();
}

/* A virtual screen has a mode of its own, which is in the device when the screen is. */
static void test_virtual_mode(void **unused)
{
	struct fake_handle *a, *b, *child;
	int error;

	set_prop("buffers", 2);
	begin_device(1);
	a = fake_mmap(1, 0, MEMORY);
	b = fake_mmap(2, 0, MEMORY);
	assert_int_equal(put_mode(1, 16, 100), 0);
	assert_int_equal(pan(1, 50), 0);
	expect_shown(32, 256, 0);
	*fake_at(a, 0) = 1;
	expect_shown(16, 128, 50 * 128);
	assert_int_equal(mode_of(2).bits_per_pixel, 32);
	*fake_at(b, 0) = 1;
	expect_shown(32, 256, 0);
	assert_int_equal(put_mode(2, 24, 48), 0);
	expect_shown(24, 192, 0);
	child = fake_fork(a, 3, &error);
	assert_int_equal(pan(1, 52), 0);
	*fake_at(child, 0) = 1;
	expect_shown(16, 128, 50 * 128);
	*fake_at(a, 0) = 1;
	expect_shown(16, 128, 52 * 128);
	fake_end();
}

/* What is chosen before mapping: one's own if there is one, and otherwise what the last has chosen. */
static void test_virtual_mode_before_mapping(void **unused)
{
	struct cb_ops *cb;

	begin_device(1);
	cb = fake.dev_ops->devo_cb_ops;
	assert_int_equal(put_mode(1, 16, 96), 0);
	assert_int_equal(pan(1, 5), 0);
	assert_int_equal(put_mode(2, 24, 48), 0);
	assert_int_equal(pan(1, 6), 0);
	assert_int_equal(mode_of(1).bits_per_pixel, 16);
	(void)fake_mmap(1, 0, MEMORY);
	assert_int_equal(mode_of(1).bits_per_pixel, 16);
	assert_int_equal(mode_of(1).yoffset, 6);
	assert_int_equal(mode_of(3).yoffset, 0);
	assert_int_equal(mode_of(3).bits_per_pixel, 24);
	assert_int_equal(mode_of(5).bits_per_pixel, 24);
	(void)fake_mmap(3, 0, MEMORY);
	for (pid_t pid = 4; pid <= 4 + XFB_NWISH; pid++)
		assert_int_equal(put_mode(pid, 32, 48), 0);
	assert_int_equal(put_mode(99, 16, 48), 0);
	assert_int_equal(mode_of(4).bits_per_pixel, 16);
	assert_int_equal(mode_of(6).bits_per_pixel, 32);
	assert_int_equal(mode_of(3).bits_per_pixel, 24);
	assert_int_equal(cb->cb_close(0, FREAD, OTYP_CHR, NULL), 0);
	assert_int_equal(mode_of(6).bits_per_pixel, 16);
	assert_int_equal(mode_of(3).bits_per_pixel, 24);
	fake_end();
}

/* The display's clock: 60 Hz, the blank after the last line. */
static void test_vblank(void **unused)
{
	hrtime_t period = NANOSEC / 60, begun;
	struct fb_vblank blank;
	uint32_t count;

	begin_device(0);
	begun = fake.time;
	assert_int_equal(control(FBIOGET_VBLANK, &blank), 0);
	assert_int_equal(blank.flags,
			 FB_VBLANK_HAVE_VBLANK | FB_VBLANK_HAVE_COUNT | FB_VBLANK_HAVE_VCOUNT);
	assert_int_equal(blank.vcount, 0);
	count = blank.count;
	assert_int_equal(control(FBIO_WAITFORVSYNC, NULL), 0);
	assert_true(fake.time - begun > period / 3 && fake.time - begun < period * 2 / 3);
	assert_int_equal(control(FBIOGET_VBLANK, &blank), 0);
	assert_int_equal(blank.count, count + 1);
	assert_true(blank.vcount >= 48 && blank.vcount < 50);
	assert_true(blank.flags & FB_VBLANK_VBLANKING);
	begun = fake.time;
	for (int i = 0; i < 60; i++)
		assert_int_equal(control(FBIO_WAITFORVSYNC, NULL), 0);
	assert_true(llabs(fake.time - begun - NANOSEC) < NANOSEC / 100);
	fake.signalled = 1;
	assert_int_equal(control(FBIO_WAITFORVSYNC, NULL), EINTR);
	fake_end();
}

static void test_con2fbmap(void **unused)
{
	struct fb_con2fbmap map = { .console = 1, .framebuffer = 9 };

	begin_device(0);
	assert_int_equal(control(FBIOGET_CON2FBMAP, &map), 0);
	assert_int_equal(map.framebuffer, 0);
	map.console = 64;
	assert_int_equal(control(FBIOGET_CON2FBMAP, &map), EINVAL);
	fake_end();
}

/* What a process would see, wherever its screen is. */
static void test_look(void **unused)
{
	static uint32_t picture[64 * 48 + 1];
	struct xfb_look look = { .pid = 1 };
	struct fake_handle *a, *b;

	set_prop("buffers", 2);
	begin_device(1);
	fake.uid = 7;
	a = fake_mmap(1, 0, MEMORY);
	b = fake_mmap(2, 0, MEMORY);
	assert_int_equal(put_mode(1, 32, 96), 0);
	assert_int_equal(pan(1, 40), 0);
	*fake_at(a, 40 * 256) = 11;
	*fake_at(a, 88 * 256 - 4) = 12;
	*fake_at(b, 0) = 21;
	assert_int_equal(control(XFBIO_LOOK, &look), 0);
	assert_int_equal(look.pid, 1);
	assert_int_equal(look.width, 64);
	assert_int_equal(look.height, 48);
	assert_int_equal(look.depth, 32);
	assert_int_equal(look.pitch, 256);
	assert_int_equal(look.len, 64 * 48 * 4);
	look.picture = (uintptr_t)picture;
	look.len = sizeof(picture);
	assert_int_equal(control(XFBIO_LOOK, &look), 0);
	assert_int_equal(picture[0], 11);
	assert_int_equal(picture[64 * 48 - 1], 12);
	look.pid = 0; /* who has the device */
	look.len = 4;
	assert_int_equal(control(XFBIO_LOOK, &look), 0);
	assert_int_equal(look.pid, 2);
	assert_int_equal(picture[0], 21);
	assert_int_equal(picture[64 * 48 - 1], 12);
	*fake_at(a, 0) = 1;
	look.pid = 0;
	look.len = 4;
	assert_int_equal(control(XFBIO_LOOK, &look), 0);
	assert_int_equal(look.pid, 1);
	assert_int_equal(picture[0], 11);
	look.picture = 0;
	look.len = 4;
	assert_int_equal(control(XFBIO_LOOK, &look), EFAULT);
	look.pid = 9;
	assert_int_equal(control(XFBIO_LOOK, &look), ESRCH);
	fake_end();
}

/* Only root looks at those of other users; a child is known by its first access. */
static void test_look_at_whom(void **unused)
{
	struct xfb_look look = { .pid = 1 };
	struct fake_handle *a, *child;
	int error;

	begin_device(1);
	fake.uid = 7;
	a = fake_mmap(1, 0, MEMORY);
	*fake_at(a, 0) = 1;
	child = fake_fork(a, 2, &error);
	fake.uid = 8;
	assert_int_equal(control(XFBIO_LOOK, &look), EPERM);
	fake.uid = 0;
	assert_int_equal(control(XFBIO_LOOK, &look), 0);
	look.pid = 2;
	look.len = 0;
	assert_int_equal(control(XFBIO_LOOK, &look), ESRCH);
	*fake_at(child, 0) = 2;
	assert_int_equal(control(XFBIO_LOOK, &look), 0);
	fake.nosleep_fails = 1;
	assert_int_equal(control(XFBIO_LOOK, &look), ENOMEM);
	fake_end();
}

/* In between, the device changes hands. */
static struct fake_handle *taker;

static void take(void)
{
	pid_t pid = fake.pid;

	*fake_at(taker, 0) = 2;
	fake.pid = pid;
}

static void leave(void)
{
	pid_t pid = fake.pid;

	fake_munmap(taker, 0, taker->len);
	taker = fake_mmap(4, 0, MEMORY);
	*fake_at(taker, 0) = 4;
	fake.pid = pid;
}

/* C1: a read by who has no screen is of one, that which was shown when it began. */
static void test_one_screen_a_read(void **unused)
{
	static uint32_t got[64 * 48];
	struct fake_handle *a;
	size_t n;

	begin_device(1);
	a = fake_mmap(1, 0, MEMORY);
	taker = fake_mmap(2, 0, MEMORY);
	for (size_t at = 0; at < MEMORY; at += 4) {
		*fake_at(a, at) = 1;
		*fake_at(taker, at) = 2;
	}
	*fake_at(a, 0) = 1;
	fake.moved = take;
	fake.pid = 3;
	assert_int_equal(transfer(0, 0, got, sizeof(got), &n), 0);
	assert_int_equal(n, sizeof(got));
	for (size_t i = 0; i < NELEM(got); i++)
		assert_int_equal(got[i], 1);
	/* When that goes in the middle, the read ends. */
	fake.moved = leave;
	assert_int_equal(transfer(0, 0, got, sizeof(got), &n), 0);
	assert_int_equal(n, PAGESIZE);
	assert_int_equal(got[0], 2);
	fake_end();
}

static void test_fbdev(void **unused)
{
	struct fb_var_screeninfo var;
	struct fb_fix_screeninfo fix;

	set_prop("width", 101);
	begin_device(0);
	assert_int_equal(control(FBIOGET_FSCREENINFO, &fix), 0);
	assert_int_equal(fix.line_length, 448);
	assert_int_equal(fix.smem_len, MEMORY);
	assert_int_equal(fix.mmio_len, 4096);
	assert_int_equal(fix.type, FB_TYPE_PACKED_PIXELS);
	assert_int_equal(fix.visual, FB_VISUAL_TRUECOLOR);
	assert_string_equal(fix.id, "xfb0");
	assert_int_equal(control(FBIOGET_VSCREENINFO, &var), 0);
	assert_int_equal(var.xres, 101);
	assert_int_equal(var.yres_virtual, 48);
	assert_int_equal(var.red.offset, 16);
	assert_int_equal(var.blue.length, 8);
	assert_int_equal(control(FBIOPUT_VSCREENINFO, &var), 0);
	assert_int_equal(control(FBIOPAN_DISPLAY, &var), 0);
	var.yoffset = 1;
	assert_int_equal(control(FBIOPAN_DISPLAY, &var), EINVAL);
	var.yoffset = 0;
	assert_int_equal(control(FBIOBLANK, (void *)FB_BLANK_POWERDOWN), 0);
	assert_int_equal(control(FBIOBLANK, (void *)5), EINVAL);
	assert_int_equal(control(FBIOGET_VSCREENINFO, NULL), EFAULT);
	assert_int_equal(control(0x4699, NULL), ENOTTY);
	fake_end();
}

/* As for accesses, but only where the property says so, and for whoever has a context. */
static void test_switch_ioctl(void **unused)
{
	struct fake_handle *a, *b;

	set_prop("switch-ioctl", 1);
	begin_device(0);
	a = map_regs(1);
	b = map_regs(2);
	store(a, XFB_LOCAL, 1);
	store(b, XFB_LOCAL, 2);
	fake.pid = 1;
	assert_int_equal(control(XFBIO_SWITCH, NULL), 0);
	assert_int_equal(*fake_word(XFB_SET_REGS, XFB_LOCAL), 1);
	assert_int_equal(b->loaded[0], 0);
	assert_int_equal(control(XFBIO_SWITCH, NULL), 0);
	assert_int_equal(load(b, XFB_LOCAL), 2);
	assert_int_equal(load(a, XFB_LOCAL), 1);
	fake.pid = 3;
	assert_int_equal(control(XFBIO_SWITCH, NULL), ENXIO);
	fake_end();
}

static void test_no_switch_ioctl(void **unused)
{
	begin_device(0);
	(void)map_regs(1);
	fake.pid = 1;
	assert_int_equal(control(XFBIO_SWITCH, NULL), ENOTTY);
	fake_end();
}

static void test_colour_map(void **unused)
{
	uint16_t red[256], green[256], blue[256];
	struct fb_cmap cmap = { .len = 256, .red = red, .green = green, .blue = blue };

	begin_device(0);
	assert_int_equal(control(FBIOGETCMAP, &cmap), 0);
	assert_int_equal(red[0], 0);
	assert_int_equal(green[128], 0x8080);
	assert_int_equal(blue[255], 0xffff);
	assert_int_equal(control(FBIOPUTCMAP, &cmap), 0);
	cmap.start = 1;
	assert_int_equal(control(FBIOGETCMAP, &cmap), EINVAL);
	cmap.len = 0xffffffff;
	assert_int_equal(control(FBIOGETCMAP, &cmap), EINVAL);
	fake_end();
}

/* The driver has its own definitions of the structures of <linux/fb.h>. */
static void test_abi(void **unused)
{
#define SAME(a, am, b, bm)                                                \
	assert_int_equal(offsetof(struct a, am), offsetof(struct b, bm)); \
	assert_int_equal(sizeof(((struct a *)0)->am), sizeof(((struct b *)0)->bm))
	SAME(fbdev_var, bits_per_pixel, fb_var_screeninfo, bits_per_pixel);
	SAME(fbdev_var, red, fb_var_screeninfo, red);
	SAME(fbdev_var, transp, fb_var_screeninfo, transp);
	SAME(fbdev_var, pixclock, fb_var_screeninfo, pixclock);
	SAME(fbdev_var, vsync_len, fb_var_screeninfo, vsync_len);
	SAME(fbdev_var, colorspace, fb_var_screeninfo, colorspace);
	SAME(fbdev_fix, smem_start, fb_fix_screeninfo, smem_start);
	SAME(fbdev_fix, visual, fb_fix_screeninfo, visual);
	SAME(fbdev_fix, line_length, fb_fix_screeninfo, line_length);
	SAME(fbdev_fix, mmio_start, fb_fix_screeninfo, mmio_start);
	SAME(fbdev_fix, accel, fb_fix_screeninfo, accel);
	SAME(fbdev_vblank, flags, fb_vblank, flags);
	SAME(fbdev_vblank, count, fb_vblank, count);
	SAME(fbdev_vblank, vcount, fb_vblank, vcount);
	SAME(fbdev_con2fbmap, framebuffer, fb_con2fbmap, framebuffer);
	SAME(fbdev_cmap, len, fb_cmap, len);
	SAME(fbdev_cmap, channel[0], fb_cmap, red);
	SAME(fbdev_cmap, channel[3], fb_cmap, transp);
#undef SAME
	assert_int_equal(sizeof(struct fbdev_var), sizeof(struct fb_var_screeninfo));
	assert_int_equal(sizeof(struct fbdev_fix), sizeof(struct fb_fix_screeninfo));
	assert_int_equal(sizeof(struct fbdev_cmap), sizeof(struct fb_cmap));
	assert_int_equal(FBDEV_GET_VAR, FBIOGET_VSCREENINFO);
	assert_int_equal(FBDEV_PUT_VAR, FBIOPUT_VSCREENINFO);
	assert_int_equal(FBDEV_GET_FIX, FBIOGET_FSCREENINFO);
	assert_int_equal(FBDEV_PAN, FBIOPAN_DISPLAY);
	assert_int_equal(FBDEV_GET_CMAP, FBIOGETCMAP);
	assert_int_equal(FBDEV_PUT_CMAP, FBIOPUTCMAP);
	assert_int_equal(FBDEV_BLANK, FBIOBLANK);
	assert_int_equal(FBDEV_GET_CON2FBMAP, FBIOGET_CON2FBMAP);
	assert_int_equal(FBDEV_GET_VBLANK, (int)FBIOGET_VBLANK);
	assert_int_equal(FBDEV_WAITFORVSYNC, FBIO_WAITFORVSYNC);
	assert_int_equal(FBDEV_VBLANKING, FB_VBLANK_VBLANKING);
	assert_int_equal(FBDEV_HAVE_VBLANK, FB_VBLANK_HAVE_VBLANK);
	assert_int_equal(FBDEV_HAVE_COUNT, FB_VBLANK_HAVE_COUNT);
	assert_int_equal(FBDEV_HAVE_VCOUNT, FB_VBLANK_HAVE_VCOUNT);
	assert_int_equal(FBDEV_ACTIVATE_TEST, FB_ACTIVATE_TEST);
	assert_int_equal(XFBIO_LOOK, _IOWR('X', 2, struct xfb_look));
}

static void test_open_detach(void **unused)
{
	struct cb_ops *cb;
	dev_t dev = 0, other = 1;
	void *result;

	begin_device(0);
	cb = fake.dev_ops->devo_cb_ops;
	assert_string_equal(fake.minor, "xfb0");
	assert_int_equal(cb->cb_open(&dev, FREAD, OTYP_CHR, NULL), 0);
	assert_int_equal(cb->cb_open(&dev, FREAD, OTYP_BLK, NULL), EINVAL);
	assert_int_equal(cb->cb_open(&other, FREAD, OTYP_CHR, NULL), ENXIO);
	assert_int_equal(fake.dev_ops->devo_getinfo(NULL, DDI_INFO_DEVT2DEVINFO, NULL, &result),
			 DDI_SUCCESS);
	assert_ptr_equal(result, &fake);
	(void)map_regs(1);
	assert_int_equal(fake.dev_ops->devo_detach((dev_info_t *)&fake, DDI_DETACH), DDI_FAILURE);
	fake_end();
}

/* The engine. */

static int32_t around(int n)
{
	return (int32_t)(random32() % (unsigned)(3 * n)) - n;
}

/* Mostly sensible, sometimes not. */
static struct op random_op(void)
{
	static const uint32_t pitches[] = { 256, 256, 256, 128, 260, 4, 0, 6, 16384 };
	struct op op = { .command = 1 + random32() % 5 };
	struct op_state *s = &op.state;

	s->foreground = random32();
	s->background = random32();
	s->rop = random32() % (random32() % 16 == 0 ? 32 : 16);
	s->pattern = random32() % 2 ? 0xffffffff : random32();
	s->src_x = around(64), s->src_y = around(48);
	s->dst_x = around(64), s->dst_y = around(48);
	s->width = random32() % 100, s->height = random32() % 80;
	s->from_x = around(64), s->from_y = around(48);
	s->to_x = around(64), s->to_y = around(48);
	s->clip_x = around(20), s->clip_y = around(20);
	s->clip_width = random32() % 120, s->clip_height = random32() % 90;
	s->pitch = pitches[random32() % NELEM(pitches)];
	s->offset = random32() % 2 ? 0 : random32() % (random32() % 4 ? 3000 : 20000) & ~3U;
	return op;
}

/* Memory as one row, or nearly: copies take more than one piece a row. */
static void widen(struct op *op)
{
	struct op_state *s = &op->state;

	op->command = XFB_COPY;
	s->pitch = random32() % 2 ? 8192 : 12288;
	s->offset = 0;
	s->width = random32() % 3100;
	s->src_x = around(800);
	s->dst_x = around(800);
	s->src_y = s->dst_y = 0;
	s->clip_x = s->clip_y = 0;
	s->clip_width = 3000;
}

/* Makes some registers any value at all. */
static void spoil(struct op *op)
{
	uint32_t word[sizeof(op->state) / 4];

	memcpy(word, &op->state, sizeof(word));
	for (int i = 0; i < 3; i++)
		word[random32() % NELEM(word)] = random32() % 2 ? random32() :
								  0x7fffffff + random32() % 2;
	memcpy(&op->state, word, sizeof(word));
}

static void perform(const struct op *op)
{
	uint32_t fence = *fake_word(XFB_SET_REGS, XFB_FENCE);

	memcpy(fake.set[XFB_SET_REGS] + XFB_STATE, &op->state, sizeof(op->state));
	*fake_word(XFB_SET_REGS, XFB_COMMAND) = op->command;
	/* No operation takes longer than drawing all memory, or the longest line. */
	assert_true(drain() < 80);
	assert_int_equal(*fake_word(XFB_SET_REGS, XFB_FENCE), fence + 1);
	assert_int_equal(*fake_word(XFB_SET_REGS, XFB_COMMAND), 0);
}

/* Every operation comes out as an independent renderer has it. */
static void test_drawing(void **unused)
{
	static uint32_t want[64 * 48];

	begin_device(0);
	assert_int_equal(MEMORY, sizeof(want));
	for (int i = 0; i < 30000; i++) {
		struct op op = random_op();

		for (size_t j = 0; i % 4 == 0 && j < NELEM(want); j++)
			want[j] = *fake_word(XFB_SET_SCREEN, j * 4) = random32();
		if (i % 16 == 0)
			widen(&op);
		if (i % 4 == 1)
			spoil(&op);
		render(&op, want, sizeof(want));
		perform(&op);
		assert_memory_equal(fake.set[XFB_SET_SCREEN], want, sizeof(want));
	}
	fake_end();
}

/* The engine dies when an operation has come so far, and another one's model attaches. */
static void die_and_go_on(unsigned stage, uint32_t command)
{
	uint32_t *own = (uint32_t *)fake.set[OWN];

	own[OWN_STAGE / 4] = stage;
	if (stage == ENDING)
		own[OWN_FENCE / 4] = *fake_word(REGISTERS, XFB_FENCE) + 1;
	*fake_word(REGISTERS, XFB_STATUS) = XFB_BUSY;
	*fake_word(REGISTERS, XFB_COMMAND) = command;
	devmap_model.detach(&fake.model);
	fake.model.nsets = 0;
	assert_int_equal(devmap_model.attach(&fake.model), 0);
	drain();
}

static void test_goes_on(void **unused)
{
	static const struct {
		unsigned stage;
		uint32_t command, fences, error;
	} cases[] = {
		{ REST, 0, 0, 0 },
		{ REST, XFB_SYNC, 1, 0 },
		{ TAKING, XFB_SYNC, 1, 0 },		  /* not taken yet */
		{ TAKING, 0, 1, XFB_ERROR_LOST },	  /* taken */
		{ DRAWING, 0, 1, XFB_ERROR_LOST },	  /* in flight */
		{ DRAWING, XFB_SYNC, 2, XFB_ERROR_LOST }, /* and another one waits */
		{ ENDING, 0, 1, 0 },			  /* all of it is drawn */
	};
	struct fake_handle *h;

	begin_device(0);
	h = map_regs(1);
	store(h, XFB_FOREGROUND, 3);
	for (size_t i = 0; i < NELEM(cases); i++) {
		uint32_t fence = load(h, XFB_FENCE);

		store(h, XFB_ERROR, 0);
		die_and_go_on(cases[i].stage, cases[i].command);
		assert_int_equal(load(h, XFB_FENCE), fence + cases[i].fences);
		assert_int_equal(load(h, XFB_ERROR), cases[i].error);
		assert_int_equal(load(h, XFB_STATUS), 0);
		assert_int_equal(load(h, XFB_COMMAND), 0);
		assert_int_equal(load(h, XFB_FOREGROUND), 3);
	}
	assert_int_equal(load(h, XFB_OPERATIONS), 6);
	fake_end();
}

static void test_errors(void **unused)
{
	static const struct {
		unsigned reg;
		uint32_t value, command, error;
	} cases[] = {
		{ XFB_ROP, 16, XFB_FILL, XFB_ERROR_ROP },
		{ XFB_ROP, XFB_ROP_COPY, 99, XFB_ERROR_COMMAND },
		{ XFB_DST_PITCH, 0, XFB_COPY, XFB_ERROR_SURFACE },
		{ XFB_DST_PITCH, 256, XFB_COPY, 0 },
		{ XFB_DST_OFFSET, 2, XFB_LINE, XFB_ERROR_SURFACE },
		{ XFB_DST_OFFSET, 64 * 47 * 4 + 4, XFB_FILL, XFB_ERROR_SURFACE },
		{ XFB_DST_OFFSET, 0, XFB_LINE, 0 },
		{ XFB_TO_Y, (uint32_t)-32768, XFB_LINE, XFB_ERROR_RANGE },
		{ XFB_ROP, 77, XFB_SYNC, 0 },
	};
	struct fake_handle *h;

	begin_device(0);
	h = map_regs(1);
	for (size_t i = 0; i < NELEM(cases); i++) {
		store(h, XFB_ERROR, 0);
		store(h, cases[i].reg, cases[i].value);
		store(h, XFB_COMMAND, cases[i].command);
		drain();
		assert_int_equal(load(h, XFB_ERROR), cases[i].error);
		assert_int_equal(load(h, XFB_FENCE), i + 1);
	}
	fake_end();
}

/* A command stored while the engine is busy is the next; its state is that of when it starts. */
static void test_command_while_busy(void **unused)
{
	struct fake_handle *h;
	uint32_t *pixels;

	set_prop("width", 640);
	set_prop("height", 480);
	begin_device(0);
	pixels = (uint32_t *)fake.set[XFB_SET_SCREEN];
	h = map_regs(1);
	start_fill(h, 0, 0, 640, 480, 1);
	(void)fake_sync();
	assert_int_equal(load(h, XFB_COMMAND), 0);
	start_fill(h, 1, 0, 640, 480, 2);
	(void)fake_sync();
	assert_int_equal(load(h, XFB_COMMAND), XFB_FILL);
	drain();
	assert_int_equal(load(h, XFB_FENCE), 2);
	assert_int_equal(pixels[0], 1);
	assert_int_equal(pixels[640 * 480 - 1], 2);
	fake_end();
}

/* What hardware would not let a program change is put right. */
static void test_fixed_registers(void **unused)
{
	struct fake_handle *a, *b;

	begin_device(0);
	a = map_regs(1);
	b = map_regs(2);
	for (unsigned reg = 0; reg < XFB_STATE; reg += 4) {
		if (reg != XFB_COMMAND)
			store(a, reg, 0xffffffff);
	}
	assert_int_equal(load(b, XFB_ID), XFB_MAGIC);
	assert_int_equal(load(b, XFB_STATUS), 0);
	assert_int_equal(load(b, XFB_WIDTH), 64);
	assert_int_equal(load(b, XFB_HEIGHT), 48);
	assert_int_equal(load(b, XFB_PITCH), 256);
	assert_int_equal(load(b, XFB_MEMORY), MEMORY);
	assert_int_equal(load(b, XFB_STATE - 4), 0);
	fake_end();
}

/* A device that is none, or lies about its size, is not attached. */
static void test_attach_fails(void **unused)
{
	struct devmap_model_ops deaf = devmap_model;

	for (unsigned reg = XFB_ID; reg <= XFB_MEMORY; reg += 4) {
		if (reg == XFB_STATUS)
			continue;
		fake.ops = &devmap_model;
		assert_int_equal(devmap_model.attach(&fake.model), 0);
		fake.stuck = 1;
		*fake_word(XFB_SET_REGS, reg) = reg == XFB_PITCH ? 4 : 0x7ffff000;
		assert_int_equal(_init(), 0);
		assert_int_equal(fake.dev_ops->devo_attach((dev_info_t *)&fake, DDI_ATTACH),
				 DDI_FAILURE);
		assert_null(fake.soft);
		devmap_model.detach(&fake.model);
		for (int i = 0; i < fake.model.nsets; i++)
			free(fake.set[i]);
		memset(&fake, 0, sizeof(fake));
	}
	set_prop("width", 0);
	assert_int_equal(deaf.attach(&fake.model), EINVAL);
	memset(&fake, 0, sizeof(fake));
	set_prop("buffers", 5);
	assert_int_equal(deaf.attach(&fake.model), EINVAL);
	memset(&fake, 0, sizeof(fake));
	set_prop("depth", 8);
	fake.ops = &devmap_model;
	assert_int_equal(devmap_model.attach(&fake.model), 0);
	assert_int_equal(_init(), 0);
	assert_int_equal(fake.dev_ops->devo_attach((dev_info_t *)&fake, DDI_ATTACH), DDI_FAILURE);
	assert_int_equal(fake.messages, 1);
	devmap_model.detach(&fake.model);
	for (int i = 0; i < FAKE_SETS; i++)
		free(fake.set[i]);
	memset(&fake, 0, sizeof(fake));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_registers, fake_reset),
		cmocka_unit_test_setup(test_reset_state, fake_reset),
		cmocka_unit_test_setup(test_one_context_a_process, fake_reset),
		cmocka_unit_test_setup(test_in_flight, fake_reset),
		cmocka_unit_test_setup(test_unseen_command, fake_reset),
		cmocka_unit_test_setup(test_stuck, fake_reset),
		cmocka_unit_test_setup(test_fork, fake_reset),
		cmocka_unit_test_setup(test_fork_several_mappings, fake_reset),
		cmocka_unit_test_setup(test_exit_in_flight, fake_reset),
		cmocka_unit_test_setup(test_hold, fake_reset),
		cmocka_unit_test_setup(test_virtual_screens, fake_reset),
		cmocka_unit_test_setup(test_virtual_shows_owner, fake_reset),
		cmocka_unit_test_setup(test_partial_unmap, fake_reset),
		cmocka_unit_test_setup(test_virtual_fork, fake_reset),
		cmocka_unit_test_setup(test_no_memory, fake_reset),
		cmocka_unit_test_setup(test_devmap_ranges, fake_reset),
		cmocka_unit_test_setup(test_read_write, fake_reset),
		cmocka_unit_test_setup(test_virtual_read_write, fake_reset),
		cmocka_unit_test_setup(test_fbdev, fake_reset),
		cmocka_unit_test_setup(test_modes, fake_reset),
		cmocka_unit_test_setup(test_pan, fake_reset),
		cmocka_unit_test_setup(test_virtual_mode, fake_reset),
		cmocka_unit_test_setup(test_virtual_mode_before_mapping, fake_reset),
		cmocka_unit_test_setup(test_vblank, fake_reset),
		cmocka_unit_test_setup(test_con2fbmap, fake_reset),
		cmocka_unit_test_setup(test_look, fake_reset),
		cmocka_unit_test_setup(test_look_at_whom, fake_reset),
		cmocka_unit_test_setup(test_one_screen_a_read, fake_reset),
		cmocka_unit_test_setup(test_switch_ioctl, fake_reset),
		cmocka_unit_test_setup(test_no_switch_ioctl, fake_reset),
		cmocka_unit_test_setup(test_colour_map, fake_reset),
		cmocka_unit_test_setup(test_abi, fake_reset),
		cmocka_unit_test_setup(test_open_detach, fake_reset),
		cmocka_unit_test_setup(test_drawing, fake_reset),
		cmocka_unit_test_setup(test_errors, fake_reset),
		cmocka_unit_test_setup(test_goes_on, fake_reset),
		cmocka_unit_test_setup(test_command_while_busy, fake_reset),
		cmocka_unit_test_setup(test_fixed_registers, fake_reset),
		cmocka_unit_test_setup(test_attach_fails, fake_reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
