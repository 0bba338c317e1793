/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Models as the engine sees them. <devmap/model.h> is the model's side.
 */
#ifndef DEVMAP_ENGINE_USER_MODEL_H
#define DEVMAP_ENGINE_USER_MODEL_H

#include <devmap/model.h>
#include <sys/dditypes.h>

struct region;

/* Where a model's properties come from. Any function may be NULL. */
struct model_props {
	int (*get_int)(void *arg, const char *name, int dflt);
	/* What it returns stays valid until release. */
	const char *(*get_string)(void *arg, const char *name, const char *dflt);
	void (*add_intrs)(void *arg, int n);
	void (*raise)(void *arg, int number);
	void (*release)(void *arg); /* called once, also when the model cannot be made */
	void *arg;
};

/* model.c. Makes an instance as model_attach() does. props may be NULL: all defaults. */
int model_create(const struct devmap_model_ops *ops, const char *name,
		 const struct model_props *props, struct devmap_model **out);
void model_destroy(struct devmap_model *m);

/*
 * model_props.c. Makes an instance of a model, with a region for each register set, and starts its
 * thread. name is the instance's ("xfb0"), for messages; properties are those of dip:
 * ddi_prop_get_int(9F), ddi_prop_lookup_string(9F). Returns 0 or -errno, with a message already
 * reported.
 */
int model_attach(const struct devmap_model_ops *ops, const char *name, dev_info_t *dip,
		 struct devmap_model **out);
/* Stops the thread, calls the model's detach and destroys its regions. */
void model_detach(struct devmap_model *m);
int model_nregs(const struct devmap_model *m);
struct region *model_region(const struct devmap_model *m, int set);

#endif
