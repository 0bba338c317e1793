/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Properties: ddi_prop_get_int(9F), ddi_prop_lookup(9F), ddi_prop_update(9F), ddi_prop_op(9F).
 *
 * They come from the operator, from the bus and from the driver. They belong to the instance: there
 * are no parents to ask, and none of a single minor. prop_lock guards the list; what callers get is
 * a copy.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include "ddi.h"
#include "port.h"

/* Lists. */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* Takes the sign and the base off the front of a number: decimal, 0x hexadecimal or 0 octal. */
static const char *text_front(const char *text, bool *negative, int *base)
{
	*negative = *text == '-';
	if (*text == '-' || *text == '+')
		text++;
	*base = 10;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && digit(text[2]) < 16) {
		*base = 16;
		text += 2;
	} else if (text[0] == '0') {
		*base = 8;
	}
	return text;
}

/* A whole number of 32 bits, signed or not. */
static bool text_int(const char *text, int *value)
{
	bool negative;
	int64_t v = 0;
	int base;

	text = text_front(text, &negative, &base);
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (digit(*text) >= base)
			return false;
		v = v * base + digit(*text);
		if (v > (negative ? -(int64_t)INT32_MIN : (int64_t)UINT32_MAX))
			return false;
	}
	*value = (int)(uint32_t)(negative ? -v : v);
	return true;
}

static char *text_copy(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = port_alloc(size);

	return copy != NULL ? memcpy(copy, text, size) : NULL;
}

const struct prop *props_find(const struct prop *list, const char *name)
{
	while (list != NULL && strcmp(list->name, name) != 0)
		list = list->next;
	return list;
}

static struct prop *prop_new(const char *name)
{
	struct prop *p = port_alloc(sizeof(*p));

	if (p != NULL) {
		p->name = text_copy(name);
		if (p->name == NULL) {
			port_free(p);
			p = NULL;
		}
	}
	return p;
}

int props_set(struct prop **list, const char *name, const char *text)
{
	struct prop *p = (struct prop *)props_find(*list, name);
	char *copy = text_copy(text);

	if (copy == NULL)
		return -ENOMEM;
	if (p == NULL) {
		p = prop_new(name);
		if (p == NULL) {
			port_free(copy);
			return -ENOMEM;
		}
		p->next = *list;
		*list = p;
	}
	port_free(p->text);
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
		port_free(p->name);
		port_free(p->text);
		port_free(p);
	}
}

/* What drivers call. */

/* The property, with the lock held, to be followed by prop_done() even where there is none. */
static const struct prop *prop_get(dev_info_t *dip, const char *name)
{
	mutex_enter(&ddi_instance_of(dip)->prop_lock);
	return props_find(ddi_instance_of(dip)->props, name);
}

static void prop_done(dev_info_t *dip)
{
	mutex_exit(&ddi_instance_of(dip)->prop_lock);
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

int ddi_prop_exists(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name)
{
	bool exists = prop_get(dip, name) != NULL;

	(void)match_dev;
	(void)flags;
	prop_done(dip);
	return exists;
}

int ddi_prop_lookup_string(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
			   char **datap)
{
	const struct prop *p = prop_get(dip, name);
	int result = DDI_PROP_NOT_FOUND;

	(void)match_dev;
	(void)flags;
	if (p != NULL) {
		*datap = text_copy(p->text);
		result = *datap != NULL ? DDI_PROP_SUCCESS : DDI_PROP_NO_MEMORY;
	}
	prop_done(dip);
	return result;
}

int ddi_prop_lookup_int_array(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
			      int **datap, uint_t *nelementsp)
{
	const struct prop *p = prop_get(dip, name);
	int result = p == NULL ? DDI_PROP_NOT_FOUND : DDI_PROP_CANNOT_DECODE;

	(void)match_dev;
	(void)flags;
	if (p != NULL && p->is_int) {
		*datap = port_alloc(sizeof(**datap));
		result = *datap != NULL ? DDI_PROP_SUCCESS : DDI_PROP_NO_MEMORY;
		if (*datap != NULL) {
			**datap = p->integer;
			*nelementsp = 1;
		}
	}
	prop_done(dip);
	return result;
}

void ddi_prop_free(void *data)
{
	port_free(data);
}

int ddi_prop_update_string(dev_t match_dev, dev_info_t *dip, const char *name, const char *data)
{
	struct ddi_instance *in = ddi_instance_of(dip);
	int error;

	(void)match_dev;
	if (name == NULL || name[0] == '\0' || data == NULL)
		return DDI_PROP_INVAL_ARG;
	mutex_enter(&in->prop_lock);
	error = props_set(&in->props, name, data);
	mutex_exit(&in->prop_lock);
	return error == 0 ? DDI_PROP_SUCCESS : DDI_PROP_NO_MEMORY;
}

int ddi_prop_update_int(dev_t match_dev, dev_info_t *dip, const char *name, int data)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", data);
	return ddi_prop_update_string(match_dev, dip, name, text);
}

int ddi_getprop(dev_t dev, dev_info_t *dip, int flags, const char *name, int defvalue)
{
	return ddi_prop_get_int(dev, dip, (uint_t)flags, name, defvalue);
}

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

int ddi_getlongprop(dev_t dev, dev_info_t *dip, int flags, const char *name, caddr_t valuep,
		    int *lengthp)
{
	return ddi_prop_op(dev, dip, PROP_LEN_AND_VAL_ALLOC, flags, (char *)name, valuep, lengthp);
}
