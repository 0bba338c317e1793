/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What a model can do with registers, and when it looks: doc/models.md. The model is ctesthw. */
#include "harness.h"

#define ANSWER(bell) ((bell) + CTEST_MODEL_TO_ANSWER)

/* The 64 bits at BELL8 hold three doorbells with a gap, which nobody may touch, after the first. */
static void widths(void)
{
	const int fd = control();

	poke(fd, CT_MODEL, ANSWER(CTEST_MODEL_BELL8), 0x8000000170005aff);
	poke(fd, CT_MODEL, ANSWER(CTEST_MODEL_BELL64), 0xffffffff00000000);
	poke(fd, CT_MODEL, CTEST_MODEL_BELL8, 0x800000029001a502);
	AWAIT(peek(fd, CT_MODEL, CTEST_MODEL_BELL8) == 0xa500);
	CHECK_EQ(peek(fd, CT_MODEL, ANSWER(CTEST_MODEL_BELL8)), 0x0000000300015a01);
	CHECK_EQ(peek(fd, CT_MODEL, ANSWER(CTEST_MODEL_BELL64)), 0xffffffff00000000);
	poke(fd, CT_MODEL, CTEST_MODEL_BELL64, 0x100000001);
	AWAIT(peek(fd, CT_MODEL, CTEST_MODEL_BELL64) == 0);
	CHECK_EQ(peek(fd, CT_MODEL, ANSWER(CTEST_MODEL_BELL64)), 1);
	CHECK_EQ(peek(fd, CT_MODEL, ANSWER(CTEST_MODEL_BELL8)), 0x0000000300015a01);
}

/* Each says so, and nothing else happens. */
static void mistakes(void)
{
	const int fd = control();

	poke(fd, CT_MODEL, CTEST_MODEL_BAD, 1);
	AWAIT(peek(fd, CT_MODEL, CTEST_MODEL_BAD) == 0);
	CHECK_EQ(peek(fd, CT_MODEL, CTEST_MODEL_BAD + 8), 1);
	CHECK(engine_said("devmap_model_read16: "));
	CHECK(engine_said("devmap_model_write64: "));
	CHECK(engine_said("devmap_model_take8: "));
}

static void set_pointer(int fd, bool there)
{
	struct ctest_op op = { .op = CT_OP_POINTER, .value = there };

	CHECK_EQ(full_op(fd, op).result, 0);
}

/* The kernel engine sees no store through a driver's pointer: the model has to look. */
static void drivers_pointer(void)
{
	const int fd = control();

	AWAIT(model_rests(fd));
	set_pointer(fd, true);
	if (kernel_engine())
		AWAIT(!model_rests(fd));
	set_pointer(fd, false);
	AWAIT(model_rests(fd));
}

static const struct test tests[] = {
	{ "a model's registers have 8, 16, 32 or 64 bits", widths },
	{ "C26 a model's registers that there are not", mistakes },
	{ "a model rests when the driver has no pointer any more", drivers_pointer },
};

MAIN(tests, 0)
