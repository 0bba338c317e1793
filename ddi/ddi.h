/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the files of ddi/ share with each other and with the engines.
 *
 * LOCKS, outermost first; none is held across a call of a driver, a model or a hook
 *   soft_state's lock   changes of a table of soft state                     soft_state.c
 *   prop_lock           an instance's properties                             prop.c
 *   claims_lock         which bufs are in use                                physio.c
 *   umem_lock           the list of cookies                                  umem.c
 *   a cache's lock      its free objects                                     kmem_cache.c
 *   kstats_lock         statistics; a kstat's ks_lock never with it             kstat.c
 *   intr_lock           who serves interrupts, and which are raised             intr.c
 *   a queue's lock      its tasks and threads; kmem_*() and threads after it  taskq.c
 *   an arena's lock     its numbers; memory is asked for before it           vmem.c
 */
#ifndef DEVMAP_DDI_DDI_H
#define DEVMAP_DDI_DDI_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/conf.h>
#include <sys/ddi.h>
#include <sys/modctl.h>
#include <sys/sunddi.h>

#define DRIVER_NAME_MAX 64

/*
 * A property: text, and an integer too where the text is one; or, from a driver only, something else,
 * and then there is no text.
 */
enum prop_kind {
	PROP_TEXT,
	PROP_INTS,
	PROP_INT64S,
	PROP_STRINGS, /* one behind the other, each with its NUL */
	PROP_BYTES,
	PROP_RAW,    /* of ddi_prop_create(9F): whatever the asker takes it for */
	PROP_HIDDEN, /* of ddi_prop_undefine(9F): it is not there */
};

struct prop {
	struct prop *next;
	char *name;
	char *text;
	bool is_int;
	int integer;
	enum prop_kind kind;
	bool of_driver;
	dev_t dev; /* DDI_DEV_T_NONE, or the only one that has it */
	void *bytes;
	size_t len;
};

/*
 * What of a driver, and of an instance, the DDI knows. Every engine's struct driver and struct
 * dev_info begin with these, as unnamed members. What is not guarded is set before attach(9E) and
 * constant until after detach(9E).
 */
struct ddi_driver {
	char name[DRIVER_NAME_MAX - 16]; /* "xfb" */
	struct dev_ops *ops;		 /* from mod_install(9F); NULL: not installed */
	const char *description;	 /* what the driver calls itself; its own string */
	struct prop *props;		 /* that every instance begins with */
};

struct ddi_instance {
	struct driver *driver;
	int instance;
	bool attached;
	char name[DRIVER_NAME_MAX]; /* "xfb0" */
	void *driver_private;
	struct power *power; /* pm.c's, or NULL */
	kt_did_t power_changer;
	int power_depth;
	int nintrs;	    /* of its model; set before attach(9E) */
	uint32_t raised;    /* of these, while they were not enabled; by intr_lock */
	kmutex_t prop_lock; /* guards props */
	struct prop *props;
};

static inline struct ddi_driver *ddi_driver_of(struct driver *d)
{
	return (struct ddi_driver *)d;
}

static inline struct ddi_instance *ddi_instance_of(dev_info_t *dip)
{
	return (struct ddi_instance *)dip;
}

/*
 * log.c. A driver has made a mistake in a call of the DDI (C26): says so once for each place of the
 * driver's code, which `site` is: CALL_SITE() of the function that implements `call`.
 */
void driver_mistake(const void *site, const char *call, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for mistakes that leave no way on. Does not return: see port_end(). */
void driver_panic(const void *site, const char *call, const char *fmt, ...) DEVMAP_NORETURN
	__attribute__((format(printf, 3, 4)));
/* Code has gone, where gone() says so: mistakes of what comes to stand there are new ones. */
void mistakes_forget(bool (*gone)(uintptr_t code, const void *arg), const void *arg);
/* As vcmn_err(9F), for a driver of this name. */
void driver_vsay(int level, const char *who, const char *format, va_list ap)
	__attribute__((format(printf, 3, 0)));

/* taskq.c. The threads of system_taskq end: no driver is left. */
void taskqs_fini(void);

/* proc.c. The memory of what drivers have seen of processes: no driver is left. */
void procs_fini(void);

/*
 * kstat_look.c, kstat_text.c. Has all drivers bring what they count up to date, and waits for that for
 * some time. An instance's, as JSON: an array; returns what snprintf(9F) would. The driver goes, and
 * nothing of it can be shown any more; waits for what it is still at work on.
 */
void kstats_look(void);
size_t kstats_text(const char *driver, int instance, char *buf, size_t size);
void kstats_forget(const char *driver);

/*
 * intr.c. An instance's model raises one of its interrupts, of which it has up to MODEL_INTRS_MAX;
 * called with a model's locks held. The instance goes: what it still has of interrupts does so, with a
 * message.
 */
#define MODEL_INTRS_MAX 32
void intr_raise(dev_info_t *dip, int number);
void intrs_forget(dev_info_t *dip);

/* prop.c. Lists of properties that nobody else sees yet, or any more. 0 or -ENOMEM. */
int props_set(struct prop **list, const char *name, const char *text);
int props_copy(struct prop **to, const struct prop *from); /* what `to` has already stays */
/* n integers, or n strings, each with its NUL, of len bytes together; n 0: a property without a value. */
int props_set_value(struct prop **list, const char *name, size_t n, bool strings, const void *bytes,
		    size_t len);
bool prop_text_int(const char *text, int *value); /* a whole number of 32 bits, signed or not */
const struct prop *props_find(const struct prop *list, const char *name);
void props_free(struct prop **list);

/*
 * time.c. Moments are those of gethrtime(). NEVER is none of them: what is too long ends just
 * before it.
 */
#define NEVER	   INT64_MAX
#define TICK_SLACK 50000 /* ns that a sleep may be late, as a process's own */

hrtime_t time_later(hrtime_t from, hrtime_t ns);
hrtime_t ticks_ns(clock_t ticks);
hrtime_t ticks_from_now(clock_t ticks); /* no ticks, or fewer: now */

#define CALL_SITE() __builtin_return_address(0)

#endif
