// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A driver's module parameter: "NAME=VALUE[,NAME=VALUE...]". */
#define pr_fmt(fmt) "devmap: " fmt

#include "linux.h"

#include <linux/ctype.h>
#include <linux/slab.h>
#include <linux/string.h>

static bool name_ok(const char *name)
{
	if (!isalpha((unsigned char)name[0]) && name[0] != '_')
		return false;
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char)*name) && strchr("_-.#", *name) == NULL)
			return false;
	return true;
}

/* One "NAME=VALUE", which is taken apart in place. */
static int parse_one(const char *driver, char *item, struct prop **props)
{
	char *equals = strchr(item, '=');

	if (equals == NULL) {
		pr_warn("%s: property '%s': no '=' (props=NAME=VALUE,NAME=VALUE...)\n", driver,
			item);
		return -EINVAL;
	}
	*equals = '\0';
	if (!name_ok(item)) {
		pr_warn("%s: property '%s=%s': '%s' is not a name\n", driver, item, equals + 1,
			item);
		return -EINVAL;
	}
	if (props_find(*props, item) != NULL) {
		pr_warn("%s: property '%s' is given twice\n", driver, item);
		return -EINVAL;
	}
	return props_set(props, item, equals + 1);
}

int props_parse(const char *driver, const char *text, struct prop **props)
{
	char *copy, *list, *item;
	int error = 0;

	*props = NULL;
	if (text == NULL || text[0] == '\0')
		return 0;
	copy = kstrdup(text, GFP_KERNEL);
	if (copy == NULL)
		return -ENOMEM;
	list = copy;
	while (error == 0 && (item = strsep(&list, ",")) != NULL)
		error = parse_one(driver, item, props);
	kfree(copy);
	if (error != 0)
		props_free(props);
	return error;
}
