/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A model's properties are those of its device instance. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/sunddi.h>

#include "../../ddi/ddi.h"
#include "model.h"

/* A string that the model was given: it stays as long as the model. */
struct given {
	struct given *next;
	char *value;
};

struct instance {
	dev_info_t *dip;
	pthread_mutex_t lock;
	struct given *given;
};

static int get_int(void *arg, const char *name, int dflt)
{
	struct instance *in = arg;

	return ddi_getprop(DDI_DEV_T_ANY, in->dip, DDI_PROP_DONTPASS, name, dflt);
}

static const char *get_string(void *arg, const char *name, const char *dflt)
{
	struct instance *in = arg;
	struct given *g = malloc(sizeof(*g));

	if (g == NULL || ddi_prop_lookup_string(DDI_DEV_T_ANY, in->dip, DDI_PROP_DONTPASS, name,
						&g->value) != DDI_PROP_SUCCESS) {
		free(g);
		return dflt;
	}
	(void)pthread_mutex_lock(&in->lock);
	g->next = in->given;
	in->given = g;
	(void)pthread_mutex_unlock(&in->lock);
	return g->value;
}

static void add_intrs(void *arg, int n)
{
	ddi_instance_of(((struct instance *)arg)->dip)->nintrs = n;
}

static void raise_one(void *arg, int number)
{
	intr_raise(((struct instance *)arg)->dip, number);
}

static void release(void *arg)
{
	struct instance *in = arg;
	struct given *g;

	while ((g = in->given) != NULL) {
		in->given = g->next;
		ddi_prop_free(g->value);
		free(g);
	}
	pthread_mutex_destroy(&in->lock);
	free(in);
}

int model_attach(const struct devmap_model_ops *ops, const char *name, dev_info_t *dip,
		 struct devmap_model **out)
{
	struct instance *in = calloc(1, sizeof(*in));
	struct model_props props = {
		.get_int = get_int,
		.get_string = get_string,
		.add_intrs = add_intrs,
		.raise = raise_one,
		.release = release,
		.arg = in,
	};

	if (in == NULL)
		return -ENOMEM;
	in->dip = dip;
	(void)pthread_mutex_init(&in->lock, NULL);
	return model_create(ops, name, &props, out);
}

void model_detach(struct devmap_model *m)
{
	model_destroy(m);
}
