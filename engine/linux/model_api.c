// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What models call: <devmap/model.h>. */
#include "model.h"

#include <linux/ktime.h>

int devmap_model_prop_int(struct devmap_model *m, const char *name, int dflt)
{
	return ddi_getprop(DDI_DEV_T_ANY, m->dip, DDI_PROP_DONTPASS, name, dflt);
}
EXPORT_SYMBOL(devmap_model_prop_int);

/* A copy is kept, which stays when the driver changes the property. */
const char *devmap_model_prop_string(struct devmap_model *m, const char *name, const char *dflt)
{
	const struct prop *p = props_find(m->strings, name);
	char *text;

	if (p == NULL && ddi_prop_lookup_string(DDI_DEV_T_ANY, m->dip, DDI_PROP_DONTPASS, name,
						&text) == DDI_PROP_SUCCESS) {
		(void)props_set(&m->strings, name, text);
		ddi_prop_free(text);
		p = props_find(m->strings, name);
	}
	return p != NULL ? p->text : dflt;
}
EXPORT_SYMBOL(devmap_model_prop_string);

int devmap_model_add_regs(struct devmap_model *m, size_t len)
{
	char name[sizeof(m->regs[0]->memory.mem_name)];
	struct region *r;

	if (m->nregs == MODEL_REGS_MAX) {
		driver_mistake(CALL_SITE(), "devmap_model_add_regs",
			       "%s: its model has more than %d register sets", m->dip->name,
			       MODEL_REGS_MAX);
		return -1;
	}
	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (r == NULL)
		return -1;
	(void)snprintf(name, sizeof(name), "%.24s registers %d", m->dip->name, m->nregs);
	if (region_init_pages(r, name, len, false) != 0) {
		kfree(r);
		return -1;
	}
	r->model = m;
	m->regs[m->nregs] = r;
	return m->nregs++;
}
EXPORT_SYMBOL(devmap_model_add_regs);

int devmap_model_add_intrs(struct devmap_model *m, int n)
{
	if (n < 0 || n > MODEL_INTRS_MAX) {
		driver_mistake(CALL_SITE(), "devmap_model_add_intrs", "%s: %d: at most %d",
			       m->dip->name, n, MODEL_INTRS_MAX);
		return -1;
	}
	m->dip->nintrs = n;
	return 0;
}
EXPORT_SYMBOL(devmap_model_add_intrs);

void devmap_model_raise(struct devmap_model *m, int number)
{
	intr_raise(m->dip, number);
}
EXPORT_SYMBOL(devmap_model_raise);

void devmap_model_set_private(struct devmap_model *m, void *priv)
{
	m->priv = priv;
}
EXPORT_SYMBOL(devmap_model_set_private);

void *devmap_model_private(struct devmap_model *m)
{
	return m->priv;
}
EXPORT_SYMBOL(devmap_model_private);

void *devmap_model_alloc(size_t len)
{
	return kvzalloc(len, GFP_KERNEL);
}
EXPORT_SYMBOL(devmap_model_alloc);

void devmap_model_free(void *p, size_t len)
{
	(void)len;
	kvfree(p);
}
EXPORT_SYMBOL(devmap_model_free);

uint64_t devmap_model_time(void)
{
	return ktime_get_ns();
}
EXPORT_SYMBOL(devmap_model_time);

/* The bytes, or NULL and a message: a model's mistake. */
static char *set_at(struct devmap_model *m, int set, size_t off, size_t width, const void *site,
		    const char *call)
{
	struct region *r = set >= 0 && set < m->nregs ? m->regs[set] : NULL;

	if (r != NULL && off < r->len && width <= r->len - off && off % width == 0)
		return (char *)r->pages + off;
	driver_mistake(site, call,
		       "%s: offset 0x%zx of register set %d (of %d) is not aligned, or "
		       "outside",
		       m->dip->name, off, set, m->nregs);
	return NULL;
}

#define REGISTERS(bits)                                                                     \
	uint##bits##_t devmap_model_read##bits(struct devmap_model *m, int set, size_t off) \
	{                                                                                   \
		const char *at = set_at(m, set, off, (bits) / 8, CALL_SITE(), __func__);    \
                                                                                            \
		return at != NULL ? smp_load_acquire((const uint##bits##_t *)at) :          \
				    (uint##bits##_t)U64_MAX;                                \
	}                                                                                   \
	EXPORT_SYMBOL(devmap_model_read##bits);                                             \
                                                                                            \
	void devmap_model_write##bits(struct devmap_model *m, int set, size_t off,          \
				      uint##bits##_t value)                                 \
	{                                                                                   \
		char *at = set_at(m, set, off, (bits) / 8, CALL_SITE(), __func__);          \
                                                                                            \
		if (at != NULL)                                                             \
			smp_store_release((uint##bits##_t *)at, value);                     \
	}                                                                                   \
	EXPORT_SYMBOL(devmap_model_write##bits);                                            \
                                                                                            \
	uint##bits##_t devmap_model_take##bits(struct devmap_model *m, int set, size_t off) \
	{                                                                                   \
		char *at = set_at(m, set, off, (bits) / 8, CALL_SITE(), __func__);          \
                                                                                            \
		return at != NULL ? xchg((uint##bits##_t *)at, 0) : 0;                      \
	}                                                                                   \
	EXPORT_SYMBOL(devmap_model_take##bits)

REGISTERS(8);
REGISTERS(16);
REGISTERS(32);
REGISTERS(64);

/* Pages stay where they are here: nothing to undo. */
void *devmap_model_pin(struct devmap_model *m, int set, size_t off, size_t *len)
{
	char *p = set_at(m, set, off, 1, CALL_SITE(), __func__);

	*len = p != NULL ? min(*len, m->regs[set]->len - off) : 0;
	return p;
}
EXPORT_SYMBOL(devmap_model_pin);

void devmap_model_unpin(struct devmap_model *m, int set)
{
	(void)m;
	(void)set;
}
EXPORT_SYMBOL(devmap_model_unpin);
