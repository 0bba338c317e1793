/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * drivers/rv100.c on registers that are played here: which bits they keep, which of them are others'
 * other names, and which start an operation, as QEMU has it. tests/guest/rv100 has the real thing.
 */
#define FAKE_SETS 4
#include "fake_ddi.h"
#include "../../drivers/rv100.c"

#define MEMORY (4UL << 20)
#define NSTATE NELEM(rv100_state)

/* The chip. */

struct chip {
	uint32_t *page;	     /* of the 2D engine's registers */
	unsigned long drawn; /* operations that did something */
};

static struct chip hardware;

static uint32_t *chip_reg(struct chip *c, uint_t reg)
{
	return c->page + (reg - RV100_REGISTERS) / 4;
}

static uint32_t kept(uint_t reg)
{
	switch (reg) {
	case RV100_DST_OFFSET:
	case RV100_SRC_OFFSET:
		return 0xfffffc00;
	case RV100_DST_PITCH:
	case RV100_SRC_PITCH:
		return 0x3ff0;
	case RV100_DP_GUI_MASTER_CNTL:
		return RV100_GMC_OWN;
	case RV100_DP_DATATYPE:
		return 0xe0070f0f;
	case RV100_DP_MIX:
		return 0x00ff0700;
	case RV100_DEFAULT_SC_BOTTOM_RIGHT:
		return 0x3fff3fff;
	default:
		return reg >= RV100_DST_WIDTH && reg <= RV100_DST_Y ? 0x3fff : 0xffffffff;
	}
}

static void keep(struct chip *c, uint_t reg, uint32_t value)
{
	*chip_reg(c, reg) = value & kept(reg);
}

/* Draws nothing, but moves what an operation moves. */
static void draw(struct chip *c)
{
	uint32_t cntl = *chip_reg(c, RV100_DP_CNTL), w = *chip_reg(c, RV100_DST_WIDTH);
	uint32_t h = *chip_reg(c, RV100_DST_HEIGHT), rop;

	rop = *chip_reg(c, RV100_DP_MIX) & RV100_GMC_ROP3_MASK;
	if (rop != RV100_ROP3_SRCCOPY && rop != RV100_ROP3_PATCOPY && rop != RV100_ROP3_BLACKNESS &&
	    rop != RV100_ROP3_WHITENESS)
		return;
	c->drawn++;
	if (rop == RV100_ROP3_SRCCOPY)
		keep(c, RV100_DST_X,
		     *chip_reg(c, RV100_DST_X) + (cntl & RV100_LEFT_TO_RIGHT ? w : 1 - w));
	keep(c, RV100_DST_Y, *chip_reg(c, RV100_DST_Y) + (cntl & RV100_TOP_TO_BOTTOM ? h : 1 - h));
}

/* Registers with two halves; the upper one first. */
static const struct {
	uint_t reg, upper, lower;
} pairs[] = {
	{ RV100_SRC_Y_X, RV100_SRC_Y, RV100_SRC_X },
	{ RV100_DST_Y_X, RV100_DST_Y, RV100_DST_X },
	{ RV100_DST_HEIGHT_WIDTH, RV100_DST_HEIGHT, RV100_DST_WIDTH },
	{ RV100_DST_WIDTH_X, RV100_DST_WIDTH, RV100_DST_X },
	{ RV100_SRC_X_Y, RV100_SRC_X, RV100_SRC_Y },
	{ RV100_DST_X_Y, RV100_DST_X, RV100_DST_Y },
	{ RV100_DST_WIDTH_HEIGHT, RV100_DST_WIDTH, RV100_DST_HEIGHT },
	{ RV100_DST_HEIGHT_Y, RV100_DST_HEIGHT, RV100_DST_Y },
};

static boolean_t store_pair(struct chip *c, uint_t reg, uint32_t value)
{
	for (size_t i = 0; i < NELEM(pairs); i++) {
		if (reg != pairs[i].reg)
			continue;
		keep(c, pairs[i].upper, value >> 16);
		keep(c, pairs[i].lower, value);
		if (pairs[i].upper == RV100_DST_WIDTH || pairs[i].lower == RV100_DST_WIDTH)
			draw(c);
		return B_TRUE;
	}
	return B_FALSE;
}

static void chip_store(struct chip *c, uint_t reg, uint32_t value)
{
	if (store_pair(c, reg, value))
		return;
	if (reg == RV100_DST_PITCH_OFFSET || reg == RV100_SRC_PITCH_OFFSET) {
		boolean_t dst = reg == RV100_DST_PITCH_OFFSET;

		keep(c, dst ? RV100_DST_OFFSET : RV100_SRC_OFFSET, value << 10);
		keep(c, dst ? RV100_DST_PITCH : RV100_SRC_PITCH, value >> 16 & 0x3fc0);
		return;
	}
	for (size_t i = 0; i < NSTATE; i++) {
		if (rv100_state[i].reg == reg)
			keep(c, reg, value);
	}
	if (reg == RV100_DP_GUI_MASTER_CNTL) {
		keep(c, RV100_DP_DATATYPE,
		     (value & 0xf00) >> 8 | (value & 0x30f0) << 4 | (value & 0x4000) << 16);
		keep(c, RV100_DP_MIX, (value & 0xff0000) | (value & 0x7000000) >> 16);
	} else if (reg == RV100_DST_WIDTH) {
		draw(c);
	}
}

void ddi_put32(ddi_acc_handle_t handle, uint32_t *addr, uint32_t value)
{
	size_t off = (size_t)((char *)addr - fake.set[RV100_SET_REGS]);

	if (off >= RV100_REGISTERS && off < RV100_REGISTERS + RV100_REGISTERS_SIZE)
		chip_store(&hardware, (uint_t)off, value);
	else
		*addr = value;
}

static int chip_attach(struct devmap_model *m)
{
	(void)devmap_model_add_regs(m, 256); /* configuration space */
	(void)devmap_model_add_regs(m, MEMORY);
	(void)devmap_model_add_regs(m, 256); /* ports */
	(void)devmap_model_add_regs(m, 0x4000);
	*fake_word(RV100_SET_REGS, RV100_CONFIG_MEMSIZE) = (uint32_t)MEMORY;
	hardware.page = fake_word(RV100_SET_REGS, RV100_REGISTERS);
	hardware.drawn = 0;
	return 0;
}

static void chip_detach(struct devmap_model *m)
{
}

static int chip_sync(struct devmap_model *m)
{
	return 0;
}

static const struct devmap_model_ops chip_ops = {
	.attach = chip_attach,
	.detach = chip_detach,
	.sync = chip_sync,
};

/* What processes do. */

static struct fake_handle *map_regs(pid_t pid)
{
	return fake_mmap(pid, (offset_t)MEMORY, RV100_REGISTERS_SIZE);
}

static void store(struct fake_handle *h, uint_t reg, uint32_t value)
{
	(void)fake_at(h, reg - RV100_REGISTERS);
	chip_store(&hardware, reg, value);
}

static uint32_t load(struct fake_handle *h, uint_t reg)
{
	return *fake_at(h, reg - RV100_REGISTERS);
}

static uint32_t random32(void)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 16);
}

/* Any register that can be stored. */
static uint_t random_reg(void)
{
	uint32_t i = random32() % (NSTATE + NELEM(pairs) + 2);

	if (i < NSTATE)
		return rv100_state[i].reg;
	i -= NSTATE;
	if (i < NELEM(pairs))
		return pairs[i].reg;
	return i == NELEM(pairs) ? RV100_SRC_PITCH_OFFSET : RV100_DST_PITCH_OFFSET;
}

/* A raster operation that draws in half of the cases. */
static uint32_t random_value(uint_t reg)
{
	static const uint32_t rops[] = { RV100_ROP3_SRCCOPY, RV100_ROP3_PATCOPY,
					 RV100_ROP3_BLACKNESS, RV100_ROP3_WHITENESS };
	uint32_t value = random32();

	if ((reg == RV100_DP_MIX || reg == RV100_DP_GUI_MASTER_CNTL) && value % 2 != 0)
		value = (value & ~RV100_GMC_ROP3_MASK) | rops[value / 2 % NELEM(rops)];
	return value;
}

/* C1, C4: each process has a chip of its own, as far as it can tell; and no switch draws anything. */
static void test_registers(void **unused)
{
	enum { PROCS = 4, WORDS = RV100_REGISTERS_SIZE / 4 };
	static uint32_t pages[PROCS][WORDS];
	struct chip own[PROCS];
	struct fake_handle *h[PROCS];
	unsigned long drawn = 0;

	fake_begin(&chip_ops);
	memset(pages, 0, sizeof(pages));
	for (int p = 0; p < PROCS; p++) {
		h[p] = map_regs(100 + p);
		own[p].page = pages[p];
		own[p].drawn = 0;
		for (size_t i = 0; i < NSTATE; i++)
			*chip_reg(&own[p], rv100_state[i].reg) = rv100_state[i].initial;
	}
	for (int i = 0; i < 20000; i++) {
		unsigned p = random32() % PROCS;
		uint_t reg = random_reg();
		uint32_t value = random_value(reg);

		for (size_t j = 0; j < NSTATE; j++)
			assert_int_equal(load(h[p], rv100_state[j].reg),
					 *chip_reg(&own[p], rv100_state[j].reg));
		store(h[p], reg, value);
		chip_store(&own[p], reg, value);
	}
	for (int p = 0; p < PROCS; p++)
		drawn += own[p].drawn;
	assert_true(drawn > 1000);
	assert_int_equal(hardware.drawn, drawn);
	fake_end();
}

/* What the table promises can be stored: no register would lose a bit of it. */
static void test_initial_state(void **unused)
{
	struct fake_handle *a, *b;

	fake_begin(&chip_ops);
	a = map_regs(1);
	for (size_t i = 0; i < NSTATE; i++)
		store(a, rv100_state[i].reg, 0xdeadbeef);
	b = map_regs(2);
	for (size_t i = 0; i < NSTATE; i++)
		assert_int_equal(load(b, rv100_state[i].reg), rv100_state[i].initial);
	fake_end();
}

/* C21. */
static void test_fork(void **unused)
{
	struct fake_handle *a, *child;
	int error;

	fake_begin(&chip_ops);
	a = map_regs(1);
	store(a, RV100_DP_BRUSH_FRGD_CLR, 1);
	child = fake_fork(a, 2, &error);
	store(a, RV100_DP_BRUSH_FRGD_CLR, 3);
	assert_int_equal(load(child, RV100_DP_BRUSH_FRGD_CLR), 1);
	store(child, RV100_DP_BRUSH_FRGD_CLR, 2);
	assert_int_equal(load(a, RV100_DP_BRUSH_FRGD_CLR), 3);
	assert_int_equal(load(child, RV100_DP_BRUSH_FRGD_CLR), 2);
	fake_end();
}

/* C11: an engine that does not get idle fails the access that wants it, and nothing else. */
static void test_stuck(void **unused)
{
	struct fake_handle *a, *b;
	int error;

	fake_begin(&chip_ops);
	a = map_regs(1);
	b = map_regs(2);
	store(a, RV100_DP_WRITE_MASK, 1);
	*fake_word(RV100_SET_REGS, RV100_RBBM_STATUS) = RV100_GUI_ACTIVE;
	assert_null(fake_try(b, 0, &error));
	assert_int_equal(error, EIO);
	assert_int_equal(fake.messages, 1);
	assert_true(fake.time >= RV100_IDLE_NS && fake.time < 2 * RV100_IDLE_NS);
	assert_int_equal(load(a, RV100_DP_WRITE_MASK), 1);
	*fake_word(RV100_SET_REGS, RV100_RBBM_STATUS) = 0;
	assert_int_equal(load(b, RV100_DP_WRITE_MASK), 0xffffffff);
	assert_int_equal(load(a, RV100_DP_WRITE_MASK), 1);
	fake_end();
}

/* Memory is one handle that nobody is asked for, the 2D engine's page another; that is all. */
static void test_what_can_be_mapped(void **unused)
{
	struct fake_handle *memory, *regs;
	size_t len = MEMORY + RV100_REGISTERS_SIZE;
	int error;

	fake_begin(&chip_ops);
	memory = fake_mmap_part(1, 0, &len, &error);
	assert_int_equal(len, MEMORY);
	assert_int_equal(memory->set, RV100_SET_MEMORY);
	assert_null(memory->ops.devmap_access);
	len = RV100_REGISTERS_SIZE;
	regs = fake_mmap_part(1, (offset_t)MEMORY, &len, &error);
	assert_int_equal(regs->set, RV100_SET_REGS);
	assert_int_equal(regs->roff, RV100_REGISTERS);
	assert_int_equal(regs->len, RV100_REGISTERS_SIZE);
	assert_non_null(regs->ops.devmap_access);
	assert_null(fake_mmap_part(1, (offset_t)(MEMORY + RV100_REGISTERS_SIZE), &len, &error));
	assert_int_equal(error, EINVAL);
	assert_null(fake_mmap_part(1, -PAGESIZE, &len, &error));
	assert_int_equal(error, EINVAL);
	fake_end();
}

static int do_ioctl(int cmd, intptr_t arg)
{
	int value;

	return fake.dev_ops->devo_cb_ops->cb_ioctl(0, cmd, arg, 0, NULL, &value);
}

/* The mode, and what fbdev says of it; fbdev.h's other answers are in test_xfb. */
static void test_mode(void **unused)
{
	struct fbdev_fix fix;
	struct fbdev_var var;

	fake_begin(&chip_ops);
	assert_int_equal(*fake_word(RV100_SET_REGS, RV100_CRTC_GEN_CNTL), 0x03000600);
	assert_int_equal(*fake_word(RV100_SET_REGS, RV100_CRTC_PITCH), 80);
	assert_int_equal(do_ioctl(FBDEV_GET_FIX, (intptr_t)&fix), 0);
	assert_string_equal(fix.id, "rv1000");
	assert_int_equal(fix.smem_len, MEMORY);
	assert_int_equal(fix.mmio_len, RV100_REGISTERS_SIZE);
	assert_int_equal(fix.line_length, RV100_PITCH);
	assert_int_equal(do_ioctl(FBDEV_GET_VAR, (intptr_t)&var), 0);
	assert_int_equal(var.xres, RV100_WIDTH);
	assert_int_equal(var.yres, RV100_HEIGHT);
	var.yres_virtual = 2 * RV100_HEIGHT; /* it has one mode, whatever memory there is */
	assert_int_equal(do_ioctl(FBDEV_PUT_VAR, (intptr_t)&var), 0);
	assert_int_equal(var.yres_virtual, RV100_HEIGHT);
	var.yoffset = 1;
	assert_int_equal(do_ioctl(FBDEV_PAN, (intptr_t)&var), EINVAL);
	var.yoffset = 0;
	var.bits_per_pixel = 16;
	assert_int_equal(do_ioctl(FBDEV_PUT_VAR, (intptr_t)&var), EINVAL);
	assert_int_equal(do_ioctl(FBDEV_BLANK, FBDEV_BLANK_MAX), 0);
	assert_int_equal(*fake_word(RV100_SET_REGS, RV100_CRTC_EXT_CNTL), RV100_CRTC_DISPLAY_DIS);
	assert_int_equal(do_ioctl(FBDEV_BLANK, 0), 0);
	assert_int_equal(*fake_word(RV100_SET_REGS, RV100_CRTC_EXT_CNTL), 0);
	assert_int_equal(do_ioctl(FBDEV_BLANK, FBDEV_BLANK_MAX + 1), EINVAL);
	assert_int_equal(do_ioctl(0x5555, 0), ENOTTY);
	fake_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_registers, fake_reset),
		cmocka_unit_test_setup(test_initial_state, fake_reset),
		cmocka_unit_test_setup(test_fork, fake_reset),
		cmocka_unit_test_setup(test_stuck, fake_reset),
		cmocka_unit_test_setup(test_what_can_be_mapped, fake_reset),
		cmocka_unit_test_setup(test_mode, fake_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
