/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Models: pretend hardware for drivers, written once for both engines.
 *
 * A model has register sets, which are plain memory to clients and drivers, and two functions. It
 * is memory and not a bus: stores are seen when somebody looks. So commands are doorbells,
 * registers that the model clears with devmap_model_takeN() and that clients poll; two stores to
 * one register may be seen as one; registers with side effects on reading cannot be modelled.
 * doc/models.md has more.
 *
 * A model is a shared object that defines `const struct devmap_model_ops devmap_model`. A driver's
 * `model` property, or the default of the same name, says which one stands behind an instance; the
 * driver reaches it only through ddi_regs_map_setup(9F) and devmap_devmem_setup(9F).
 */
#ifndef DEVMAP_MODEL_H
#define DEVMAP_MODEL_H

#include <stdint.h>
#include <stddef.h>

#define DEVMAP_MODEL_VERSION 1

struct devmap_model;

struct devmap_model_ops {
	unsigned version; /* DEVMAP_MODEL_VERSION */
	size_t size;	  /* sizeof (struct devmap_model_ops) */
	const char *name;
	/*
	 * Makes an instance: calls devmap_model_add_regs() for each register set, in order, and
	 * devmap_model_set_private(). Returns 0 or an errno.
	 */
	int (*attach)(struct devmap_model *m);
	void (*detach)(struct devmap_model *m);
	/*
	 * Consumes every store made before the call: reads the doorbells and acts on them as far as
	 * it can without waiting. Called before each driver access, at the end of each unload, and
	 * by the model's thread. Calls are never concurrent for one instance. Returns non-zero if
	 * it found anything to do or has work in flight (the thread then comes back at once).
	 */
	int (*sync)(struct devmap_model *m);
};

/* Integer or string property of the instance, or the default given. */
int devmap_model_prop_int(struct devmap_model *m, const char *name, int dflt);
const char *devmap_model_prop_string(struct devmap_model *m, const char *name, const char *dflt);

/* A register set of len bytes (rounded up to pages), zero filled. Returns its number (from 0) or -1. */
int devmap_model_add_regs(struct devmap_model *m, size_t len);
/*
 * The device has n interrupts, at most 32, numbered from 0. For attach(). Returns 0, or -1. A driver
 * has them as fixed interrupts, or as MSI.
 */
int devmap_model_add_intrs(struct devmap_model *m, int n);
/*
 * Raises one: the driver's handler is called at least once after this, by another thread. While the
 * driver has not enabled it, that is remembered. For any number that is none: nothing.
 */
void devmap_model_raise(struct devmap_model *m, int number);
void devmap_model_set_private(struct devmap_model *m, void *priv);
void *devmap_model_private(struct devmap_model *m);
void *devmap_model_alloc(size_t len); /* zero filled; NULL when there is no memory */
void devmap_model_free(void *p, size_t len);
uint64_t devmap_model_time(void); /* ns, monotonic */

/*
 * Registers of 8, 16, 32 or 64 bits, wherever they are live: each call is one access of that width.
 * off: bytes, a multiple of the width. For any other, or one outside the set: a message, and
 * nothing else is done; read returns all ones, take 0.
 */
uint8_t devmap_model_read8(struct devmap_model *m, int set, size_t off);
uint16_t devmap_model_read16(struct devmap_model *m, int set, size_t off);
uint32_t devmap_model_read32(struct devmap_model *m, int set, size_t off);
uint64_t devmap_model_read64(struct devmap_model *m, int set, size_t off);
void devmap_model_write8(struct devmap_model *m, int set, size_t off, uint8_t value);
void devmap_model_write16(struct devmap_model *m, int set, size_t off, uint16_t value);
void devmap_model_write32(struct devmap_model *m, int set, size_t off, uint32_t value);
void devmap_model_write64(struct devmap_model *m, int set, size_t off, uint64_t value);
/* Reads and clears in one step, atomically against clients: for doorbells. */
uint8_t devmap_model_take8(struct devmap_model *m, int set, size_t off);
uint16_t devmap_model_take16(struct devmap_model *m, int set, size_t off);
uint32_t devmap_model_take32(struct devmap_model *m, int set, size_t off);
uint64_t devmap_model_take64(struct devmap_model *m, int set, size_t off);
/* Bulk memory: a run of at most *len bytes at off that is contiguous now; unpin before anything else. */
void *devmap_model_pin(struct devmap_model *m, int set, size_t off, size_t *len);
void devmap_model_unpin(struct devmap_model *m, int set);

#ifdef __KERNEL__
#include <devmap/linux_model.h>
#endif

#endif
