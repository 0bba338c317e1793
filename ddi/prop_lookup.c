/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* ddi_prop_lookup(9F), ddi_prop_get_int(9F), ddi_prop_op(9F) and the older ones. */
#include <sys/kmem.h>
#include <sys/systm.h>

#include "port.h"
#include "prop.h"

/* A value as somebody asked for it. */
struct view {
	const void *bytes;
	size_t len;
};

static bool is_raw(const struct prop *p, size_t width)
{
	return p->kind == PROP_RAW && p->len != 0 && p->len % width == 0;
}

static bool as_ints(const struct prop *p, struct view *v)
{
	if (p->kind == PROP_TEXT && p->is_int)
		*v = (struct view){ &p->integer, sizeof(p->integer) };
	else if (p->kind == PROP_INTS || is_raw(p, sizeof(int)))
		*v = (struct view){ p->bytes, p->len };
	else
		return false;
	return true;
}

static bool as_int64s(const struct prop *p, struct view *v)
{
	*v = (struct view){ p->bytes, p->len };
	return p->kind == PROP_INT64S || is_raw(p, sizeof(int64_t));
}

static bool as_bytes(const struct prop *p, struct view *v)
{
	*v = (struct view){ p->bytes, p->len };
	return p->kind == PROP_BYTES || is_raw(p, 1);
}

static bool as_strings(const struct prop *p, struct view *v)
{
	if (p->kind == PROP_TEXT)
		*v = (struct view){ p->text, strlen(p->text) + 1 };
	else
		*v = (struct view){ p->bytes, p->len };
	return p->kind == PROP_TEXT || p->kind == PROP_STRINGS ||
	       (is_raw(p, 1) && ((const char *)p->bytes)[p->len - 1] == '\0');
}

/* The first of the strings. */
static bool as_string(const struct prop *p, struct view *v)
{
	if (!as_strings(p, v) || v->len == 0)
		return false;
	v->len = strlen(v->bytes) + 1;
	return true;
}

/* What an old function sees: an int, or bytes. */
static struct view as_it_is(const struct prop *p)
{
	struct view v;

	if (!as_ints(p, &v) && !as_strings(p, &v))
		v = (struct view){ p->bytes, p->len };
	return v;
}

/* DDI_PROP_SUCCESS: it is there. */
static int found(const struct prop *p)
{
	if (p == NULL)
		return DDI_PROP_NOT_FOUND;
	return p->kind == PROP_HIDDEN ? DDI_PROP_UNDEFINED : DDI_PROP_SUCCESS;
}

/* A copy, to be given back by ddi_prop_free(); *n: bytes. */
static int lookup(dev_t dev, dev_info_t *dip, const char *name,
		  bool (*as)(const struct prop *p, struct view *v), void **datap, size_t *n)
{
	const struct prop *p;
	struct view v;
	int result;

	if (dev == DDI_DEV_T_NONE || name == NULL || name[0] == '\0')
		return DDI_PROP_INVAL_ARG;
	p = prop_get(dev, dip, name);
	result = found(p);
	if (result == DDI_PROP_SUCCESS && !as(p, &v))
		result = DDI_PROP_CANNOT_DECODE;
	if (result == DDI_PROP_SUCCESS) {
		*datap = port_alloc(v.len != 0 ? v.len : 1);
		if (*datap == NULL)
			result = DDI_PROP_NO_MEMORY;
		else
			memcpy(*datap, v.bytes, v.len);
		*n = v.len;
	}
	prop_done(dip);
	return result;
}

int ddi_prop_lookup_int_array(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
			      int **datap, uint_t *nelementsp)
{
	void *data;
	size_t n;
	int result = lookup(match_dev, dip, name, as_ints, &data, &n);

	(void)flags;
	if (result == DDI_PROP_SUCCESS) {
		*datap = data;
		*nelementsp = (uint_t)(n / sizeof(int));
	}
	return result;
}

int ddi_prop_lookup_int64_array(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
				int64_t **datap, uint_t *nelementsp)
{
	void *data;
	size_t n;
	int result = lookup(match_dev, dip, name, as_int64s, &data, &n);

	(void)flags;
	if (result == DDI_PROP_SUCCESS) {
		*datap = data;
		*nelementsp = (uint_t)(n / sizeof(int64_t));
	}
	return result;
}

int ddi_prop_lookup_byte_array(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
			       uchar_t **datap, uint_t *nelementsp)
{
	void *data;
	size_t n;
	int result = lookup(match_dev, dip, name, as_bytes, &data, &n);

	(void)flags;
	if (result == DDI_PROP_SUCCESS) {
		*datap = data;
		*nelementsp = (uint_t)n;
	}
	return result;
}

int ddi_prop_lookup_string(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
			   char **datap)
{
	void *data;
	size_t n;
	int result = lookup(match_dev, dip, name, as_string, &data, &n);

	(void)flags;
	if (result == DDI_PROP_SUCCESS)
		*datap = data;
	return result;
}

static uint_t strings_in(const char *s, size_t len)
{
	uint_t n = 0;

	while (len > 0)
		n += s[--len] == '\0';
	return n;
}

/* Pointers, a NULL, and the strings, in one piece of memory. */
static char **pointers_to(const char *strings, size_t len, uint_t n)
{
	const size_t head = (n + (size_t)1) * sizeof(char *);
	char **all = port_alloc(head + len), *s = (char *)all + head;

	if (all == NULL)
		return NULL;
	memcpy(s, strings, len);
	for (uint_t i = 0; i < n; i++, s += strlen(s) + 1)
		all[i] = s;
	return all;
}

int ddi_prop_lookup_string_array(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
				 char ***datap, uint_t *nelementsp)
{
	void *data;
	size_t n;
	int result = lookup(match_dev, dip, name, as_strings, &data, &n);

	(void)flags;
	if (result != DDI_PROP_SUCCESS)
		return result;
	*nelementsp = strings_in(data, n);
	*datap = pointers_to(data, n, *nelementsp);
	port_free(data);
	return *datap != NULL ? DDI_PROP_SUCCESS : DDI_PROP_NO_MEMORY;
}

void ddi_prop_free(void *data)
{
	port_free(data);
}

/* One of this width: as found(), or DDI_PROP_CANNOT_DECODE. */
static int get_one(dev_t dev, dev_info_t *dip, const char *name,
		   bool (*as)(const struct prop *p, struct view *v), void *value, size_t width)
{
	const struct prop *p = prop_get(dev, dip, name);
	struct view v;
	int result = found(p);

	if (result == DDI_PROP_SUCCESS && (!as(p, &v) || v.len != width))
		result = DDI_PROP_CANNOT_DECODE;
	if (result == DDI_PROP_SUCCESS)
		memcpy(value, v.bytes, width);
	prop_done(dip);
	return result;
}

int ddi_prop_get_int(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name, int defvalue)
{
	int value = defvalue;

	(void)flags;
	if (get_one(match_dev, dip, name, as_ints, &value, sizeof(value)) == DDI_PROP_CANNOT_DECODE)
		return DDI_PROP_NOT_FOUND;
	return value;
}

int64_t ddi_prop_get_int64(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name,
			   int64_t defvalue)
{
	int64_t value;
	int small;

	(void)flags;
	if (get_one(match_dev, dip, name, as_int64s, &value, sizeof(value)) == DDI_PROP_SUCCESS)
		return value;
	switch (get_one(match_dev, dip, name, as_ints, &small, sizeof(small))) {
	case DDI_PROP_SUCCESS:
		return small;
	case DDI_PROP_CANNOT_DECODE:
		return DDI_PROP_NOT_FOUND;
	default:
		return defvalue;
	}
}

int ddi_prop_exists(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name)
{
	bool exists = found(prop_get(match_dev, dip, name)) == DDI_PROP_SUCCESS;

	(void)flags;
	prop_done(dip);
	return exists;
}

/* The older functions. */

static int give(const struct prop *p, ddi_prop_op_t prop_op, caddr_t valuep, int *lengthp)
{
	const struct view v = as_it_is(p);
	int room = prop_op == PROP_LEN_AND_VAL_BUF ? *lengthp : 0;
	void *copy;

	if (prop_op != PROP_EXISTS)
		*lengthp = (int)v.len;
	switch (prop_op) {
	case PROP_LEN_AND_VAL_BUF:
		if (room < (int)v.len)
			return DDI_PROP_BUF_TOO_SMALL;
		memcpy(valuep, v.bytes, v.len);
		break;
	case PROP_LEN_AND_VAL_ALLOC:
		copy = kmem_alloc(v.len, KM_NOSLEEP);
		if (copy == NULL && v.len != 0)
			return DDI_PROP_NO_MEMORY;
		if (v.len != 0)
			memcpy(copy, v.bytes, v.len);
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
	const struct prop *p = prop_get(dev, dip, name);
	int result = found(p);

	(void)flags;
	if (result == DDI_PROP_SUCCESS)
		result = give(p, prop_op, valuep, lengthp);
	prop_done(dip);
	return result;
}

int nopropop(dev_t dev, dev_info_t *dip, ddi_prop_op_t prop_op, int flags, char *name,
	     caddr_t valuep, int *lengthp)
{
	return ddi_prop_op(dev, dip, prop_op, flags, name, valuep, lengthp);
}

int ddi_getlongprop(dev_t dev, dev_info_t *dip, int flags, const char *name, caddr_t valuep,
		    int *lengthp)
{
	return ddi_prop_op(dev, dip, PROP_LEN_AND_VAL_ALLOC, flags, (char *)name, valuep, lengthp);
}

int ddi_getlongprop_buf(dev_t dev, dev_info_t *dip, int flags, const char *name, caddr_t buf,
			int *lengthp)
{
	return ddi_prop_op(dev, dip, PROP_LEN_AND_VAL_BUF, flags, (char *)name, buf, lengthp);
}

int ddi_getproplen(dev_t dev, dev_info_t *dip, int flags, const char *name, int *lengthp)
{
	return ddi_prop_op(dev, dip, PROP_LEN, flags, (char *)name, NULL, lengthp);
}

/* A property without a value says that something is so. */
int ddi_getprop(dev_t dev, dev_info_t *dip, int flags, const char *name, int defvalue)
{
	int len = -1, value = defvalue;

	if (ddi_getproplen(dev, dip, flags, name, &len) == DDI_PROP_SUCCESS && len == 0)
		return 1;
	(void)get_one(dev, dip, name, as_ints, &value, sizeof(value));
	return value;
}
