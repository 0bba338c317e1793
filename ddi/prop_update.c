/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ddi_prop_update(9F), ddi_prop_create(9F) and what takes them back. A driver's properties go before
 * those that it was given, which are there again when it has removed its own.
 */
#include <sys/systm.h>

#include "port.h"
#include "prop.h"

/* Where the driver's own property hangs; *it is NULL where there is none. prop_lock is held. */
static struct prop **own(struct ddi_instance *in, dev_t dev, const char *name)
{
	struct prop **pp = &in->props;

	ASSERT(MUTEX_HELD(&in->prop_lock));
	while (*pp != NULL && (!(*pp)->of_driver || (*pp)->dev != dev ||
			       (name != NULL && strcmp((*pp)->name, name) != 0)))
		pp = &(*pp)->next;
	return pp;
}

static struct prop *make(dev_t dev, const char *name, enum prop_kind kind, const void *bytes,
			 size_t len)
{
	struct prop *p = prop_new(name);
	bool made = p != NULL;

	if (!made)
		return NULL;
	p->kind = kind;
	p->of_driver = true;
	p->dev = dev;
	if (kind == PROP_TEXT) {
		made = prop_set_text(p, bytes) == 0;
	} else {
		p->len = len;
		p->bytes = port_alloc(len != 0 ? len : 1);
		made = p->bytes != NULL;
		if (made && len != 0)
			memcpy(p->bytes, bytes, len);
	}
	if (made)
		return p;
	prop_free(p);
	return NULL;
}

enum how { STACK, REPLACE, MODIFY };

static int put(dev_t dev, dev_info_t *dip, enum how how, const char *name, enum prop_kind kind,
	       const void *bytes, size_t len)
{
	struct ddi_instance *in = ddi_instance_of(dip);
	struct prop *p, **pp, *old = NULL;
	bool put = true;

	if (dev == DDI_DEV_T_ANY || name == NULL || name[0] == '\0' ||
	    (bytes == NULL && (len != 0 || kind == PROP_TEXT)))
		return DDI_PROP_INVAL_ARG;
	p = make(dev, name, kind, bytes, len);
	if (p == NULL)
		return DDI_PROP_NO_MEMORY;
	mutex_enter(&in->prop_lock);
	pp = own(in, dev, name);
	if (how != STACK && *pp != NULL) {
		old = *pp;
		*pp = old->next;
	}
	put = how != MODIFY || old != NULL;
	if (put) {
		p->next = in->props;
		in->props = p;
	}
	mutex_exit(&in->prop_lock);
	if (old != NULL)
		prop_free(old);
	if (!put)
		prop_free(p);
	return put ? DDI_PROP_SUCCESS : DDI_PROP_NOT_FOUND;
}

int ddi_prop_update_string(dev_t match_dev, dev_info_t *dip, const char *name, const char *data)
{
	return put(match_dev, dip, REPLACE, name, PROP_TEXT, data, 0);
}

int ddi_prop_update_int(dev_t match_dev, dev_info_t *dip, const char *name, int data)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", data);
	return ddi_prop_update_string(match_dev, dip, name, text);
}

int ddi_prop_update_int64(dev_t match_dev, dev_info_t *dip, const char *name, int64_t data)
{
	return put(match_dev, dip, REPLACE, name, PROP_INT64S, &data, sizeof(data));
}

int ddi_prop_update_int_array(dev_t match_dev, dev_info_t *dip, const char *name, int *data,
			      uint_t nelements)
{
	return put(match_dev, dip, REPLACE, name, PROP_INTS, data, nelements * sizeof(*data));
}

int ddi_prop_update_int64_array(dev_t match_dev, dev_info_t *dip, const char *name, int64_t *data,
				uint_t nelements)
{
	return put(match_dev, dip, REPLACE, name, PROP_INT64S, data, nelements * sizeof(*data));
}

int ddi_prop_update_byte_array(dev_t match_dev, dev_info_t *dip, const char *name, uchar_t *data,
			       uint_t nelements)
{
	return put(match_dev, dip, REPLACE, name, PROP_BYTES, data, nelements);
}

int ddi_prop_update_string_array(dev_t match_dev, dev_info_t *dip, const char *name, char **data,
				 uint_t nelements)
{
	size_t len = 0, at = 0;
	char *all;
	int result;

	for (uint_t i = 0; i < nelements; i++) {
		if (data[i] == NULL)
			return DDI_PROP_INVAL_ARG;
		len += strlen(data[i]) + 1;
	}
	all = port_alloc(len != 0 ? len : 1);
	if (all == NULL)
		return DDI_PROP_NO_MEMORY;
	for (uint_t i = 0; i < nelements; at += strlen(data[i++]) + 1)
		memcpy(all + at, data[i], strlen(data[i]) + 1);
	result = put(match_dev, dip, REPLACE, name, PROP_STRINGS, all, len);
	port_free(all);
	return result;
}

int ddi_prop_create(dev_t dev, dev_info_t *dip, int flag, const char *name, caddr_t value,
		    int length)
{
	(void)flag;
	if (length < 0)
		return DDI_PROP_INVAL_ARG;
	return put(dev, dip, STACK, name, PROP_RAW, value, (size_t)length);
}

int ddi_prop_modify(dev_t dev, dev_info_t *dip, int flag, const char *name, caddr_t value,
		    int length)
{
	(void)flag;
	if (length < 0)
		return DDI_PROP_INVAL_ARG;
	return put(dev, dip, MODIFY, name, PROP_RAW, value, (size_t)length);
}

int ddi_prop_undefine(dev_t dev, dev_info_t *dip, int flag, const char *name)
{
	(void)flag;
	return put(dev, dip, STACK, name, PROP_HIDDEN, NULL, 0);
}

int ddi_prop_remove(dev_t dev, dev_info_t *dip, const char *name)
{
	struct ddi_instance *in = ddi_instance_of(dip);
	struct prop **pp, *p;

	if (dev == DDI_DEV_T_ANY || name == NULL || name[0] == '\0')
		return DDI_PROP_INVAL_ARG;
	mutex_enter(&in->prop_lock);
	pp = own(in, dev, name);
	p = *pp;
	if (p != NULL)
		*pp = p->next;
	mutex_exit(&in->prop_lock);
	if (p == NULL)
		return DDI_PROP_NOT_FOUND;
	prop_free(p);
	return DDI_PROP_SUCCESS;
}

void ddi_prop_remove_all(dev_info_t *dip)
{
	struct ddi_instance *in = ddi_instance_of(dip);
	struct prop **pp = &in->props, *p;

	mutex_enter(&in->prop_lock);
	while ((p = *pp) != NULL) {
		if (!p->of_driver) {
			pp = &p->next;
			continue;
		}
		*pp = p->next;
		prop_free(p);
	}
	mutex_exit(&in->prop_lock);
}
