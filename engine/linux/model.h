/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A model at run time: what model.c and model_api.c share. */
#ifndef DEVMAP_ENGINE_LINUX_MODEL_INSTANCE_H
#define DEVMAP_ENGINE_LINUX_MODEL_INSTANCE_H

#include "linux.h"

#include <devmap/model.h>

#define MODEL_REGS_MAX 16

struct devmap_model {
	const struct devmap_model_ops *ops;
	struct module *owner; /* held */
	dev_info_t *dip;
	void *priv;
	struct region *regs[MODEL_REGS_MAX];
	int nregs;
	struct prop *strings;	    /* that it was given, and which stay as long as it does */
	struct mutex lock;	    /* held across sync() */
	struct task_struct *thread; /* or NULL */
	bool dozing;		    /* the thread is to be woken when there may be work */
	atomic_t pointers;	    /* that a driver has to the registers: it may store any time */
};

#endif
