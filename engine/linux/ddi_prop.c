// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Properties: ddi_prop_get_int(9F), ddi_prop_lookup(9F), ddi_prop_update(9F), ddi_prop_op(9F).
 *
 * They come from the module parameter, from the bus and from the driver. They belong to the
 * instance: there are no parents to ask, and none of a single minor. dip->prop_lock guards the list;
 * what callers get is a copy.
 */
#include "linux.h"

#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <sys/kmem.h>

/* A whole number of 32 bits, signed or not, decimal, 0x hexadecimal or 0 octal. */
static bool text_int(const char *text, int *value)
{
	long long v;

	if (text[0] == '\0' || strchr(text, '\n') != NULL || kstrtoll(text, 0, &v) != 0)
		return false;
	if (v < INT_MIN || v > UINT_MAX)
		return false;
	*value = (int)(unsigned int)v;
	return true;
}

const struct prop *props_find(const struct prop *list, const char *name)
{
	while (list != NULL && strcmp(list->name, name) != 0)
		list = list->next;
	return list;
}

static struct prop *prop_new(const char *name)
{
	struct prop *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (p == NULL)
		return NULL;
	p->name = kstrdup(name, GFP_KERNEL);
	if (p->name == NULL) {
		kfree(p);
		return NULL;
	}
	return p;
}

int props_set(struct prop **list, const char *name, const char *text)
{
	struct prop *p = (struct prop *)props_find(*list, name);
	char *copy = kstrdup(text, GFP_KERNEL);

	if (copy == NULL)
		return -ENOMEM;
	if (p == NULL) {
		p = prop_new(name);
		if (p == NULL) {
			kfree(copy);
			return -ENOMEM;
		}
		p->next = *list;
		*list = p;
	}
	kfree(p->text);
	p->text = copy;
	p->is_int = text_int(copy, &p->integer);
	return 0;
}

int props_copy(struct prop **to, const struct prop *from)
{
	int error = 0;

	for (; from != NULL && error == 0; from = from->next)
		error = props_set(to, from->name, from->text);
	return error;
}

void props_free(struct prop **list)
{
	struct prop *p;

	while ((p = *list) != NULL) {
		*list = p->next;
		kfree(p->name);
		kfree(p->text);
		kfree(p);
	}
}

/*
 * What drivers call.
 */

/* The property, with the lock held, to be followed by prop_done() even where there is none. */
static const struct prop *prop_get(dev_info_t *dip, const char *name)
{
	mutex_enter(&dip->prop_lock);
	return props_find(dip->props, name);
}

static void prop_done(dev_info_t *dip)
{
	mutex_exit(&dip->prop_lock);
}

int ddi_prop_get_int(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name, int defvalue)
{
	const struct prop *p = prop_get(dip, name);
	int value = p != NULL && p->is_int ? p->integer : defvalue;

	(void)match_dev;
	(void)flags;
	prop_done(dip);
	return value;
}
EXPORT_SYMBOL(ddi_prop_get_int);

int ddi_prop_exists(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name)
{
	bool exists = prop_get(dip, name) != NULL;

	(void)match_dev;
	(void)flags;
	prop_done(dip);
	return exists;
}
EXPORT_SYMBOL(ddi_prop_exists);

int ddi_prop_lookup_string(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
    char **datap)
{
	const struct prop *p = prop_get(dip, name);
	int result = DDI_PROP_NOT_FOUND;

	(void)match_dev;
	(void)flags;
	if (p != NULL) {
		*datap = kstrdup(p->text, GFP_KERNEL);
		result = *datap != NULL ? DDI_PROP_SUCCESS : DDI_PROP_NO_MEMORY;
	}
	prop_done(dip);
	return result;
}
EXPORT_SYMBOL(ddi_prop_lookup_string);

int ddi_prop_lookup_int_array(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
    int **datap, uint_t *nelementsp)
{
	const struct prop *p = prop_get(dip, name);
	int result = p == NULL ? DDI_PROP_NOT_FOUND : DDI_PROP_CANNOT_DECODE;

	(void)match_dev;
	(void)flags;
	if (p != NULL && p->is_int) {
		*datap = kmalloc(sizeof(**datap), GFP_KERNEL);
		result = *datap != NULL ? DDI_PROP_SUCCESS : DDI_PROP_NO_MEMORY;
		if (*datap != NULL) {
			**datap = p->integer;
			*nelementsp = 1;
		}
	}
	prop_done(dip);
	return result;
}
EXPORT_SYMBOL(ddi_prop_lookup_int_array);

void ddi_prop_free(void *data)
{
	kfree(data);
}
EXPORT_SYMBOL(ddi_prop_free);

int ddi_prop_update_string(dev_t match_dev, dev_info_t *dip, const char *name, const char *data)
{
	int error;

	(void)match_dev;
	if (name == NULL || name[0] == '\0' || data == NULL)
		return DDI_PROP_INVAL_ARG;
	mutex_enter(&dip->prop_lock);
	error = props_set(&dip->props, name, data);
	mutex_exit(&dip->prop_lock);
	return error == 0 ? DDI_PROP_SUCCESS : DDI_PROP_NO_MEMORY;
}
EXPORT_SYMBOL(ddi_prop_update_string);

int ddi_prop_update_int(dev_t match_dev, dev_info_t *dip, const char *name, int data)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", data);
	return ddi_prop_update_string(match_dev, dip, name, text);
}
EXPORT_SYMBOL(ddi_prop_update_int);

int ddi_getprop(dev_t dev, dev_info_t *dip, int flags, const char *name, int defvalue)
{
	return ddi_prop_get_int(dev, dip, (uint_t)flags, name, defvalue);
}
EXPORT_SYMBOL(ddi_getprop);

/* The older functions see bytes: an int, or a string with its NUL. */
static const void *prop_bytes(const struct prop *p, int *len)
{
	*len = p->is_int ? (int)sizeof(p->integer) : (int)strlen(p->text) + 1;
	return p->is_int ? (const void *)&p->integer : p->text;
}

static int prop_give(const struct prop *p, ddi_prop_op_t prop_op, caddr_t valuep, int *lengthp)
{
	int len, room = prop_op == PROP_LEN_AND_VAL_BUF ? *lengthp : 0;
	const void *bytes = prop_bytes(p, &len);
	void *copy;

	if (prop_op != PROP_EXISTS)
		*lengthp = len;
	switch (prop_op) {
	case PROP_LEN_AND_VAL_BUF:
		if (room < len)
			return DDI_PROP_BUF_TOO_SMALL;
		memcpy(valuep, bytes, (size_t)len);
		break;
	case PROP_LEN_AND_VAL_ALLOC:
		copy = kmem_alloc((size_t)len, KM_NOSLEEP);
		if (copy == NULL)
			return DDI_PROP_NO_MEMORY;
		memcpy(copy, bytes, (size_t)len);
		memcpy(valuep, &copy, sizeof(copy));
		break;
	default:
		break;
	}
	return DDI_PROP_SUCCESS;
}

int ddi_prop_op(dev_t dev, dev_info_t *dip, ddi_prop_op_t prop_op, int flags, char *name,
    caddr_t valuep, int *lengthp)
{
	const struct prop *p = prop_get(dip, name);
	int result = p != NULL ? prop_give(p, prop_op, valuep, lengthp) : DDI_PROP_NOT_FOUND;

	(void)dev;
	(void)flags;
	prop_done(dip);
	return result;
}
EXPORT_SYMBOL(ddi_prop_op);

int ddi_getlongprop(dev_t dev, dev_info_t *dip, int flags, const char *name, caddr_t valuep,
    int *lengthp)
{
	return ddi_prop_op(dev, dip, PROP_LEN_AND_VAL_ALLOC, flags, (char *)name, valuep, lengthp);
}
EXPORT_SYMBOL(ddi_getlongprop);
