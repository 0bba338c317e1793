/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the files about properties share. */
#ifndef DEVMAP_DDI_PROP_H
#define DEVMAP_DDI_PROP_H

#include "ddi.h"

/* Without a value, and on no list. NULL: no memory. */
struct prop *prop_new(const char *name);
void prop_free(struct prop *p);
int prop_set_text(struct prop *p, const char *text); /* 0 or -ENOMEM */

/* The property, with prop_lock held, to be followed by prop_done() even where there is none. */
const struct prop *prop_get(dev_t dev, dev_info_t *dip, const char *name);
void prop_done(dev_info_t *dip);

#endif
