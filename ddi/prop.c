/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Properties: their lists, and numbers in their texts.
 *
 * They come from the operator, from the bus and from the driver, whose own are found first: the one
 * that was made last. They belong to the instance: there are no parents to ask. prop_lock guards the
 * list; what callers get is a copy.
 */
#include <sys/errno.h>
#include <sys/systm.h>

#include "ddi.h"
#include "port.h"
#include "prop.h"

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

bool prop_text_int(const char *text, int *value)
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

struct prop *prop_new(const char *name)
{
	struct prop *p = port_alloc(sizeof(*p));

	if (p != NULL) {
		p->dev = DDI_DEV_T_NONE;
		p->name = text_copy(name);
		if (p->name == NULL) {
			port_free(p);
			p = NULL;
		}
	}
	return p;
}

void prop_free(struct prop *p)
{
	port_free(p->name);
	port_free(p->text);
	port_free(p->bytes);
	port_free(p);
}

int prop_set_text(struct prop *p, const char *text)
{
	char *copy = text_copy(text);

	if (copy == NULL)
		return -ENOMEM;
	port_free(p->text);
	p->text = copy;
	p->is_int = prop_text_int(copy, &p->integer);
	return 0;
}

int props_set(struct prop **list, const char *name, const char *text)
{
	struct prop *p = (struct prop *)props_find(*list, name), *made = NULL;
	int error;

	if (p == NULL) {
		p = made = prop_new(name);
		if (p == NULL)
			return -ENOMEM;
	}
	error = prop_set_text(p, text);
	if (made != NULL && error != 0) {
		prop_free(made);
	} else if (made != NULL) {
		made->next = *list;
		*list = made;
	}
	return error;
}

/* A copy of these bytes. 0 or -ENOMEM. */
static int set_bytes(struct prop *p, enum prop_kind kind, const void *bytes, size_t len)
{
	p->bytes = port_alloc(len != 0 ? len : 1);
	if (p->bytes == NULL)
		return -ENOMEM;
	if (len != 0)
		memcpy(p->bytes, bytes, len);
	p->len = len;
	p->kind = kind;
	return 0;
}

static int prop_copy(struct prop **to, const struct prop *from)
{
	struct prop *p = prop_new(from->name);
	int error;

	if (p == NULL)
		return -ENOMEM;
	error = from->kind == PROP_TEXT ? prop_set_text(p, from->text) :
					  set_bytes(p, from->kind, from->bytes, from->len);
	if (error != 0) {
		prop_free(p);
		return error;
	}
	p->is_int = from->is_int;
	p->next = *to;
	*to = p;
	return 0;
}

int props_copy(struct prop **to, const struct prop *from)
{
	int error = 0;

	for (; from != NULL && error == 0; from = from->next)
		if (props_find(*to, from->name) == NULL)
			error = prop_copy(to, from);
	return error;
}

/* One integer, or one string, is a text, as what the operator says in a command. */
int props_set_value(struct prop **list, const char *name, size_t n, bool strings, const void *bytes,
		    size_t len)
{
	struct prop p = { .name = (char *)(uintptr_t)name, .bytes = (void *)(uintptr_t)bytes };
	char text[16];

	p.len = len;
	p.kind = n == 0 ? PROP_RAW : strings ? PROP_STRINGS : PROP_INTS;
	if (n == 1) {
		p.kind = PROP_TEXT;
		p.is_int = !strings;
		p.text = strings ? p.bytes : text;
		if (!strings)
			(void)snprintf(text, sizeof(text), "%d", *(const int *)bytes);
	}
	return prop_copy(list, &p);
}

void props_free(struct prop **list)
{
	struct prop *p;

	while ((p = *list) != NULL) {
		*list = p->next;
		prop_free(p);
	}
}

const struct prop *prop_get(dev_t dev, dev_info_t *dip, const char *name)
{
	const struct prop *p;

	mutex_enter(&ddi_instance_of(dip)->prop_lock);
	p = props_find(ddi_instance_of(dip)->props, name);
	while (p != NULL && dev != DDI_DEV_T_ANY && p->dev != DDI_DEV_T_NONE && p->dev != dev)
		p = props_find(p->next, name);
	return p;
}

void prop_done(dev_info_t *dip)
{
	mutex_exit(&ddi_instance_of(dip)->prop_lock);
}
