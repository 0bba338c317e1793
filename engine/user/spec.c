/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A driver's specification: "PATH[:NAME=VALUE[,NAME=VALUE...]]". PATH ends at the first ':' that
 * has a '=' after it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devinfo.h"
#include "log.h"

/* Where the properties begin, at their ':', or NULL. */
static const char *spec_colon(const char *spec)
{
	const char *colon = strchr(spec, ':');

	return colon != NULL && strchr(colon, '=') != NULL ? colon : NULL;
}

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
static int spec_prop(char *item, struct prop **props)
{
	char *equals = strchr(item, '=');

	if (equals == NULL) {
		log_warn("driver property '%s': no '=' (PATH:NAME=VALUE,NAME=VALUE...)", item);
		return -EINVAL;
	}
	*equals = '\0';
	if (!name_ok(item)) {
		log_warn("driver property '%s=%s': '%s' is not a name", item, equals + 1, item);
		return -EINVAL;
	}
	if (props_find(*props, item) != NULL) {
		log_warn("driver property '%s' is given twice", item);
		return -EINVAL;
	}
	return props_set(props, item, equals + 1);
}

static int spec_props(char *list, struct prop **props)
{
	int error = 0;
	char *item;

	while (error == 0 && (item = strsep(&list, ",")) != NULL)
		error = spec_prop(item, props);
	return error;
}

/* "xfb.so:mode" is not a file, but a property without a value. */
static int spec_path_check(const char *path)
{
	const char *colon = strrchr(path, ':');
	char *file;
	int error = 0;

	if (colon == NULL || access(path, F_OK) == 0)
		return 0;
	file = strndup(path, (size_t)(colon - path));
	if (file == NULL)
		return -ENOMEM;
	if (access(file, F_OK) == 0) {
		log_warn("driver property '%s': no '=' (PATH:NAME=VALUE,NAME=VALUE...)", colon + 1);
		error = -EINVAL;
	}
	free(file);
	return error;
}

int spec_parse(const char *spec, char **path, struct prop **props)
{
	const char *colon = spec_colon(spec);
	char *list = NULL;
	int error;

	*props = NULL;
	*path = colon != NULL ? strndup(spec, (size_t)(colon - spec)) : strdup(spec);
	if (colon != NULL)
		list = strdup(colon + 1);
	if (*path == NULL || (colon != NULL && list == NULL))
		error = -ENOMEM;
	else
		error = list != NULL ? spec_props(list, props) : spec_path_check(*path);
	free(list);
	if (error != 0) {
		free(*path);
		*path = NULL;
		props_free(props);
	}
	return error;
}
