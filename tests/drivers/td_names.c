/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A driver with global names as the engine has them inside: it attaches if it is bound to its own. */
#include <sys/types.h>
#include <sys/conf.h>
#include <sys/modctl.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>

struct name {
	const char *name;
	int (*bound)(void);
	int (*own)(void);
};

extern const struct name names[]; /* names.sh */

static int td_names_attach(dev_info_t *dip, ddi_attach_cmd_t cmd)
{
	int taken = 0;

	if (cmd != DDI_ATTACH)
		return DDI_FAILURE;
	for (const struct name *n = names; n->name != NULL; n++) {
		if (n->bound == n->own)
			continue;
		cmn_err(CE_WARN, "td_names: %s is not the driver's own", n->name);
		taken++;
	}
	if (taken > 0 || names[0].name == NULL)
		return DDI_FAILURE;
	return ddi_create_minor_node(dip, "", S_IFCHR, 0, DDI_PSEUDO, 0);
}

static int td_names_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	ddi_remove_minor_node(dip, NULL);
	return cmd == DDI_DETACH ? DDI_SUCCESS : DDI_FAILURE;
}

static struct cb_ops td_names_cb_ops = { nulldev,     nulldev, nodev, nodev, nodev, nodev,
					 nodev,	      nodev,   nodev, nodev, nodev, nochpoll,
					 ddi_prop_op, NULL,    D_MP,  CB_REV };

static struct dev_ops td_names_ops = { DEVO_REV,	0,	 nodev,
				       nulldev,		nulldev, td_names_attach,
				       td_names_detach, nodev,	 &td_names_cb_ops };

static struct modldrv modldrv = { &mod_driverops, "names for tests", &td_names_ops };
static struct modlinkage modlinkage = { MODREV_1, { &modldrv, NULL } };

int _init(void)
{
	return mod_install(&modlinkage);
}

int _fini(void)
{
	return mod_remove(&modlinkage);
}

int _info(struct modinfo *modinfop)
{
	return mod_info(&modlinkage, modinfop);
}
