/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Loading drivers and models: see driver.h.
 *
 *   driver_load: spec, shared object, _init(9E), model's shared object, then for each instance
 *     properties, model, register sets, probe(9E), attach(9E).
 * Whatever fails is undone in the reverse order. load_lock orders loading and unloading.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <devmap/model.h>
#include <sys/sunddi.h>

#include "devinfo.h"
#include "log.h"
#include "model.h"
#include "pages.h"

/*
 * A driver's global names are its own [C28]: to it they go before libc's and the libraries', which
 * matters where it was linked without -Bsymbolic. The engine exports nothing but the DDI. Sanitizers
 * refuse this flag.
 */
#ifdef SANITIZED
#define OWN_NAMES 0
#else
#define OWN_NAMES RTLD_DEEPBIND
#endif

static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;
static const char *conf_path; /* or NULL */

void driver_set_conf(const char *path)
{
	conf_path = path;
}

/* Instances. */

/* node NULL: there is none in a driver.conf(5). */
static struct dev_info *instance_new(struct driver *d, int instance, const struct conf_node *node)
{
	struct dev_info *dip = calloc(1, sizeof(*dip));

	if (dip == NULL)
		return NULL;
	dip->driver = d;
	dip->instance = instance;
	mutex_init(&dip->prop_lock, NULL, MUTEX_DRIVER, NULL);
	(void)snprintf(dip->name, sizeof(dip->name), "%s%d", d->name, instance);
	if (props_copy(&dip->props, d->props) != 0 ||
	    (node != NULL && props_copy(&dip->props, node->props) != 0) ||
	    props_copy(&dip->props, d->conf.props) != 0) {
		props_free(&dip->props);
		free(dip);
		return NULL;
	}
	return dip;
}

static void instance_free(struct dev_info *dip)
{
	intrs_forget(dip);
	pm_destroy_components(dip);
	regs_fini(dip);
	if (dip->model != NULL)
		model_detach(dip->model);
	props_free(&dip->props);
	mutex_destroy(&dip->prop_lock);
	free(dip);
}

static int instance_attach(struct dev_info *dip)
{
	struct dev_ops *ops = dip->driver->ops;
	int value = DDI_PROBE_DONTCARE;

	if (ops->devo_probe != NULL)
		value = ops->devo_probe(dip);
	if (value != DDI_PROBE_SUCCESS && value != DDI_PROBE_DONTCARE &&
	    value != DDI_PROBE_PARTIAL) {
		log_warn("%s: probe(9E) found no device", dip->name);
		return -ENXIO;
	}
	value = ops->devo_attach(dip, DDI_ATTACH);
	if (value != DDI_SUCCESS) {
		log_warn("%s: attach(9E) failed with value %d", dip->name, value);
		ddi_remove_minor_node(dip, NULL);
		return -ENXIO;
	}
	dip->attached = true;
	return 0;
}

static int instance_detach(struct dev_info *dip)
{
	struct dev_ops *ops = dip->driver->ops;
	int value = ops->devo_detach != NULL ? ops->devo_detach(dip, DDI_DETACH) : DDI_FAILURE;

	if (value != DDI_SUCCESS) {
		log_warn("%s: detach(9E) refused with value %d", dip->name, value);
		return -EBUSY;
	}
	dip->attached = false;
	ddi_remove_minor_node(dip, NULL);
	return 0;
}

static int instance_model(struct dev_info *dip)
{
	const struct devmap_model_ops *ops = dip->driver->model_ops;
	int error = ops != NULL ? model_attach(ops, dip->name, dip, &dip->model) : 0;

	return error != 0 ? error : regs_init(dip);
}

static bool number_is_taken(const struct driver *d, int number)
{
	for (const struct conf_node *n = d->conf.nodes; n != NULL; n = n->next)
		if (n->instance == number)
			return true;
	for (int i = 0; i < d->ninstances; i++)
		if (d->instances[i]->instance == number)
			return true;
	return false;
}

/* What the node says, or the lowest number that none says and none has. */
static int number_of(const struct driver *d, const struct conf_node *node)
{
	int number = 0;

	if (node != NULL && node->instance >= 0)
		return node->instance;
	if (d->conf.nodes == NULL)
		return d->ninstances;
	while (number_is_taken(d, number))
		number++;
	return number;
}

/* Makes the next instance. It stays listed only if it could be attached. */
static int instance_add(struct driver *d, const struct conf_node *node)
{
	struct dev_info *dip = instance_new(d, number_of(d, node), node);
	int error;

	if (dip == NULL)
		return -ENOMEM;
	/* Another engine makes the same again, by the same names. */
	pages_keep(true);
	error = instance_model(dip);
	if (error == 0) {
		/* Listed before attach(9E), which may open doors: somebody may come at once. */
		d->instances[d->ninstances++] = dip;
		error = instance_attach(dip);
		if (error != 0)
			d->ninstances--;
	}
	pages_keep(false);
	if (error != 0)
		instance_free(dip);
	return error;
}

/* Detaches and frees from the last on, until one refuses. */
static int instances_remove(struct driver *d)
{
	int error = 0;

	while (error == 0 && d->ninstances > 0) {
		struct dev_info *dip = d->instances[d->ninstances - 1];

		error = instance_detach(dip);
		if (error == 0) {
			d->ninstances--;
			instance_free(dip);
		}
	}
	return error;
}

/* One of all instances, a text; NULL: there is none. */
static const struct prop *driver_prop(const struct driver *d, const char *name)
{
	const struct prop *p = props_find(d->props, name);

	if (p == NULL)
		p = props_find(d->conf.props, name);
	return p != NULL && p->kind == PROP_TEXT ? p : NULL;
}

/* How many; -EINVAL with a message. */
static int instances_wanted(const struct driver *d)
{
	const struct prop *p = driver_prop(d, "instances");
	int n = 0;

	for (const struct conf_node *node = d->conf.nodes; node != NULL; node = node->next)
		n++;
	if (p != NULL && n > 0) {
		log_warn(
			"%s: driver property 'instances=%s': its driver.conf(5) has an entry for each",
			d->name, p->text);
		return -EINVAL;
	}
	if (p == NULL)
		return n > 0 ? n : 1;
	if (!p->is_int || p->integer < 1 || p->integer > INSTANCES_MAX) {
		log_warn("%s: driver property 'instances=%s': a number from 1 to %d", d->name,
			 p->text, INSTANCES_MAX);
		return -EINVAL;
	}
	return p->integer;
}

static int instances_make(struct driver *d)
{
	int error = 0, wanted = instances_wanted(d);
	const struct conf_node *node = d->conf.nodes;

	if (wanted < 0)
		return wanted;
	d->instances = calloc((size_t)wanted, sizeof(d->instances[0]));
	if (d->instances == NULL)
		return -ENOMEM;
	while (error == 0 && d->ninstances < wanted) {
		error = instance_add(d, node);
		node = node != NULL ? node->next : NULL;
	}
	if (error != 0)
		(void)instances_remove(d);
	return error;
}

/* The model's shared object. */

/* "/lib/xfb.so" and "hw.so": "/lib/xfbhw.so"; and "model.so": "/lib/model.so". */
static int beside(char *path, size_t size, const char *driver, const char *name, bool whole)
{
	const char *slash = strrchr(driver, '/');
	size_t keep = (size_t)(slash - driver) + 1;
	int n;

	if (!whole) {
		size_t len = strlen(driver);

		keep = len > 3 && strcmp(driver + len - 3, ".so") == 0 ? len - 3 : len;
	}
	n = snprintf(path, size, "%.*s%s", (int)keep, driver, name);
	return n < (int)size ? 0 : -ENAMETOOLONG;
}

/* Which file it is; path[0] is 0 where there is no model. */
static int model_path(const struct driver *d, char *path, size_t size)
{
	const struct prop *p = driver_prop(d, "model");
	int error;

	if (p == NULL) {
		error = beside(path, size, d->path, "hw.so", false);
		if (error == 0 && access(path, F_OK) != 0)
			path[0] = '\0';
		return error;
	}
	if (strchr(p->text, '/') != NULL || p->text[0] == '\0')
		return snprintf(path, size, "%s", p->text) < (int)size ? 0 : -ENAMETOOLONG;
	return beside(path, size, d->path, p->text, true);
}

/* What keeps the model from being used, as a message; 0 if nothing does. */
static int model_check(const struct driver *d, const char *path, const struct devmap_model_ops *ops)
{
	if (ops == NULL)
		log_warn("%s: model %s: it defines no devmap_model", d->name, path);
	else if (ops->version != DEVMAP_MODEL_VERSION)
		log_warn("%s: model %s: its version is %u, this engine's is %d", d->name, path,
			 ops->version, DEVMAP_MODEL_VERSION);
	else if (ops->size < sizeof(*ops))
		log_warn("%s: model %s: its devmap_model has %zu bytes, this engine's %zu", d->name,
			 path, ops->size, sizeof(*ops));
	else if (ops->attach == NULL || ops->sync == NULL)
		log_warn("%s: model %s: it has no %s function", d->name, path,
			 ops->attach == NULL ? "attach" : "sync");
	else
		return 0;
	return -ENOEXEC;
}

static int model_open(struct driver *d)
{
	char path[PATH_MAX];
	int error = model_path(d, path, sizeof(path));

	if (error != 0 || path[0] == '\0')
		return error;
	if (access(path, F_OK) != 0) {
		error = -errno;
		log_warn("%s: model %s: %s", d->name, path, strerror(errno));
		return error;
	}
	d->model_dl = dlopen(path, RTLD_NOW | RTLD_LOCAL | OWN_NAMES);
	if (d->model_dl == NULL) {
		log_warn("%s: model: %s", d->name, dlerror());
		return -ENOEXEC;
	}
	d->model_ops = dlsym(d->model_dl, "devmap_model");
	return model_check(d, path, d->model_ops);
}

/* The driver's shared object. */

/* The whole path, and the driver's name: the file's without ".so". */
static int driver_resolve(struct driver *d)
{
	char *path = realpath(d->path, NULL);
	char *base;
	size_t len;

	if (path == NULL) {
		int error = -errno;

		log_warn("driver %s: %s", d->path, strerror(errno));
		return error;
	}
	free(d->path);
	d->path = path;
	base = strrchr(path, '/') + 1;
	len = strlen(base);
	if (len > 3 && strcmp(base + len - 3, ".so") == 0)
		len -= 3;
	if (len >= sizeof(d->name)) {
		log_warn("driver %s: the name is too long", path);
		return -ENAMETOOLONG;
	}
	memcpy(d->name, base, len);
	return 0;
}

static bool driver_is_loaded(const struct driver *d)
{
	const struct driver *other;

	(void)pthread_mutex_lock(&drivers_lock);
	for (other = drivers; other != NULL; other = other->next)
		if (strcmp(other->path, d->path) == 0)
			break;
	(void)pthread_mutex_unlock(&drivers_lock);
	return other != NULL;
}

static void *driver_symbol(struct driver *d, const char *name, const char *entry)
{
	void *p = dlsym(d->dl, name);

	if (p == NULL)
		log_warn("driver %s: it has no %s: is it a driver, compiled with devmap's "
			 "sys/modctl.h?",
			 d->path, entry);
	return p;
}

static int driver_open(struct driver *d)
{
	Dl_info info;

	if (driver_is_loaded(d)) {
		log_warn("driver %s: loaded already; see the property 'instances'", d->path);
		return -EEXIST;
	}
	d->dl = dlopen(d->path, RTLD_NOW | RTLD_LOCAL | OWN_NAMES);
	if (d->dl == NULL) {
		log_warn("driver %s: %s", d->name, dlerror());
		return -ENOEXEC;
	}
	*(void **)&d->init = driver_symbol(d, "devmap_mod_init", "_init(9E)");
	if (d->init == NULL)
		return -ENOEXEC;
	*(void **)&d->fini = dlsym(d->dl, "devmap_mod_fini");
	if (dladdr(*(void **)&d->init, &info) != 0)
		d->base = info.dli_fbase;
	return 0;
}

static int driver_init(struct driver *d)
{
	int value = driver_call(d, d->init);

	if (value != 0)
		log_warn("%s: _init(9E) failed with value %d", d->name, value);
	else if (d->ops == NULL)
		log_warn("%s: _init(9E) did not call mod_install(9F)", d->name);
	else
		return 0;
	return -EINVAL;
}

/* _fini(9E). A driver that has none stays installed, as on Solaris. */
static int driver_fini(struct driver *d)
{
	int value = d->fini != NULL ? driver_call(d, d->fini) : EBUSY;

	if (value != 0) {
		log_warn("%s: _fini(9E) refused with value %d", d->name, value);
		return -EBUSY;
	}
	return 0;
}

static void driver_free(struct driver *d)
{
	kstats_forget(d->name);
	if (d->model_dl != NULL)
		(void)dlclose(d->model_dl);
	if (d->dl != NULL)
		(void)dlclose(d->dl);
	free(d->instances);
	props_free(&d->props);
	conf_free(&d->conf);
	free(d->path);
	free(d);
}

/* Its driver.conf(5): the one that was named, or the one beside it. */
static int conf_open(struct driver *d)
{
	char path[PATH_MAX];
	int error;

	if (conf_path != NULL)
		return conf_read(conf_path, &d->conf);
	error = beside(path, sizeof(path), d->path, ".conf", false);
	return error != 0 || access(path, F_OK) != 0 ? error : conf_read(path, &d->conf);
}

/* From the shared object to the attached instances. */
static int driver_start(struct driver *d)
{
	int error = driver_open(d);

	if (error != 0)
		return error;
	driver_list(d);
	error = driver_init(d);
	if (error == 0) {
		error = model_open(d);
		if (error == 0)
			error = instances_make(d);
		if (error != 0 && d->ninstances == 0)
			(void)driver_fini(d);
	}
	/* An instance that refuses to go keeps its driver. */
	if (error != 0 && d->ninstances == 0)
		driver_unlist(d);
	return error;
}

int driver_load(const char *spec, struct driver **out)
{
	struct driver *d = calloc(1, sizeof(*d));
	int error;

	if (d == NULL)
		return -ENOMEM;
	(void)pthread_mutex_lock(&load_lock);
	error = spec_parse(spec, &d->path, &d->props);
	if (error == 0)
		error = driver_resolve(d);
	if (error == 0)
		error = conf_open(d);
	if (error == 0)
		error = driver_start(d);
	(void)pthread_mutex_unlock(&load_lock);
	if (error == -ENOMEM)
		log_warn("driver %s: no memory", spec);
	if (error == 0)
		*out = d;
	else if (d->ninstances == 0)
		driver_free(d);
	return error;
}

int driver_unload(struct driver *d)
{
	int error;

	(void)pthread_mutex_lock(&load_lock);
	error = instances_remove(d);
	if (error == 0)
		error = driver_fini(d);
	if (error == 0) {
		driver_unlist(d);
		driver_free(d);
	}
	(void)pthread_mutex_unlock(&load_lock);
	return error;
}

const char *driver_name(const struct driver *d)
{
	return d->name;
}

const char *driver_path(const struct driver *d)
{
	return d->path;
}

struct cb_ops *driver_cb_ops(const struct driver *d)
{
	return d->ops->devo_cb_ops;
}
