/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * edinthw: QEMU's edu as a model, as far as solaris/edint.c uses it: factorials, and an interrupt that
 * says when one is done. Register set 0 stands for the configuration space of the real one.
 */
#include <errno.h>

#include <devmap/model.h>

#define FACTORIAL 0x08
#define STATUS	  0x20
#define WHY	  0x24
#define RAISE	  0x60
#define ACK	  0x64
#define TELL	  0x80

struct edinthw {
	uint32_t result;
	uint32_t why;
};

static int edinthw_attach(struct devmap_model *m)
{
	struct edinthw *hw = devmap_model_alloc(sizeof(*hw));

	if (hw == NULL)
		return ENOMEM;
	if (devmap_model_add_regs(m, 4096) < 0 || devmap_model_add_regs(m, 4096) < 0 ||
	    devmap_model_add_intrs(m, 1) != 0) {
		devmap_model_free(hw, sizeof(*hw));
		return ENOMEM;
	}
	devmap_model_set_private(m, hw);
	return 0;
}

static void edinthw_detach(struct devmap_model *m)
{
	devmap_model_free(devmap_model_private(m), sizeof(struct edinthw));
}

static uint32_t factorial(uint32_t n)
{
	uint32_t f = 1;

	for (; n > 0 && f != 0; n--)
		f *= n;
	return f;
}

/* An operand is seen because it is not the last result. */
static uint32_t compute(struct devmap_model *m, struct edinthw *hw)
{
	const uint32_t n = devmap_model_read32(m, 1, FACTORIAL);

	if (n == hw->result)
		return 0;
	hw->result = factorial(n);
	devmap_model_write32(m, 1, FACTORIAL, hw->result);
	return devmap_model_read32(m, 1, STATUS) & TELL ? 1 : 0;
}

static int edinthw_sync(struct devmap_model *m)
{
	struct edinthw *hw = devmap_model_private(m);
	const uint32_t gone = devmap_model_take32(m, 1, ACK);
	const uint32_t come = devmap_model_take32(m, 1, RAISE) | compute(m, hw);

	if (gone == 0 && come == 0)
		return 0;
	hw->why = (hw->why & ~gone) | come;
	devmap_model_write32(m, 1, WHY, hw->why);
	if (come != 0)
		devmap_model_raise(m, 0);
	return 1;
}

const struct devmap_model_ops devmap_model = {
	.version = DEVMAP_MODEL_VERSION,
	.size = sizeof(struct devmap_model_ops),
	.name = "edinthw",
	.attach = edinthw_attach,
	.detach = edinthw_detach,
	.sync = edinthw_sync,
};
