/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the DDI asks of an operating system: the guide for whoever ports it.
 *
 * ddi/ is compiled into every engine as it is, and calls nothing but the DDI itself, the functions
 * below, and the core. An engine brings
 *
 *   - the lock types of <sys/types.h> and what works on them: mutex_*(), rw_*(), cv_init(),
 *     cv_destroy(), cv_signal(), cv_broadcast(). Filled with zeros they are valid and free. Whoever
 *     gets a lock may be its last owner, and free it and the condition variables that go with it:
 *     a thread that has let go of it by mutex_exit() or rw_exit() touches none of them after that;
 *   - memory, kmem_*(); time, gethrtime(); call-outs, timeout() and untimeout();
 *   - who a process is: ddi_get_cred(), crget*(), drv_priv(), ddi_get_pid(), ddi_get_kt_did(),
 *     device numbers, getmajor() and its like; minor nodes; DMA;
 *   - of libc, string functions, snprintf() and vsnprintf();
 *   - struct driver and struct dev_info, which begin as ddi.h says;
 *   - the functions below.
 *
 * Where nothing else is said, a function may be called by any thread that holds no other locks than
 * the DDI's, and may sleep; lengths are bytes; times are nanoseconds of gethrtime().
 */
#ifndef DEVMAP_DDI_PORT_H
#define DEVMAP_DDI_PORT_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/debug.h>
#include <sys/ddidevmap.h>
#include <sys/dditypes.h>

struct ddi_driver;
struct devmap_memory;

/*
 * Memory for the DDI itself: filled with zeros, aligned for any type. NULL: there is none, now. p
 * may be NULL.
 */
void *port_alloc(size_t size);
void port_free(void *p);

/*
 * Memory that may outlive the engine, by the name of which another one finds it: *found, with what was stored
 * there. Else zeros. *token: for port_keep_free(). NULL: there is none.
 */
void *port_keep(const char *name, size_t len, bool *found, void **token);
void port_keep_free(void *token, void *memory, size_t len);
/* Does this thread do again what an engine before this one has done? */
bool port_resuming(void);

/*
 * Messages. port_log() writes one line, with "devmap: ", a word for the kind if there is one, and a
 * newline. Those of drivers may be dropped while there are too many of them; what is said of a
 * mistake, or before the end, may not. Called with any lock held; never sleeps.
 */
enum port_log {
	PORT_LOG_CONT, /* the first four are CE_CONT to CE_PANIC */
	PORT_LOG_NOTE,
	PORT_LOG_WARN,
	PORT_LOG_PANIC,
	PORT_LOG_MISTAKE,
	PORT_LOG_LAST, /* port_end() follows */
};

void port_log(enum port_log kind, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A text, to be given back; NULL: no memory. Called with any lock held; never sleeps. */
char *port_vformat(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
void port_text_free(char *text); /* may be NULL */
/*
 * Does not return: what was relied upon does not hold. Ends the engine, or this thread and no more.
 */
void port_end(void) DEVMAP_NORETURN;
/*
 * The name of the driver whose code this is, or "devmap". size: DRIVER_NAME_MAX, of which longer
 * names are cut off. Called with any lock of the DDI held.
 */
void driver_of_code(const void *code, char *name, size_t size);

/*
 * The memory of the process that is being served: len bytes from, or to, its address user. 0, or
 * -EFAULT: some of it cannot be accessed, and what was copied is unknown. A thread that serves none
 * has made a mistake: for driver_mistake(), which needs site and call. In devmap_access(9E) and
 * where a mapping begins or ends it may fail for what would have to be brought in first.
 */
int port_copyin(const void *user, void *to, size_t len, const void *site, const char *call);
int port_copyout(const void *from, void *user, size_t len, const void *site, const char *call);

/*
 * A thread that runs fn(arg), serves nobody, and ends; NULL: there is none. Each is joined once, which
 * waits for its end, by another thread.
 */
struct port_thread;
struct port_thread *port_thread_start(const char *name, void (*fn)(void *arg), void *arg);
void port_thread_join(struct port_thread *t);

/* What somebody may do that not everybody may. */
enum port_right {
	PORT_MAY_HARDWARE,
	PORT_MAY_ADMIN,
	PORT_MAY_POWER,
	PORT_MAY_LOCK,
	PORT_MAY_TIME,
	PORT_MAY_PRIORITY,
	PORT_MAY_PROCESS,
	PORT_MAY_NET_RAW,
	PORT_MAY_NET,
};

bool port_may(const cred_t *cr, enum port_right right);

/* Of the process that is being served: there is one. */
pid_t port_process_group(void);
pid_t port_session(void);
time_t port_calendar_time(void); /* seconds since 1970 */

/*
 * The one wait on a condition variable. Lets go of mp, which the caller holds, waits, and takes it
 * again, after which cvp is not touched. Nothing is lost: a wake-up or an interruption that comes
 * once mp is free ends the wait, and a cv_signal() that chose a thread which was interrupted goes
 * to another. It may end early.
 */
struct port_wait {
	hrtime_t until; /* a moment that is still to come, or NEVER */
	hrtime_t slack; /* ns by which it may be late */
	bool sig;	/* a signal of the process, or engine_interrupt(), ends it too */
};

enum port_wake { PORT_WOKEN, PORT_TIMED_OUT, PORT_INTERRUPTED };

enum port_wake port_cv_wait(kcondvar_t *cvp, kmutex_t *mp, const struct port_wait *w);

/*
 * Sleeps, whatever signals come, until a moment of gethrtime(), which may be the last there is, and
 * up to slack ns longer.
 */
void port_sleep_until(hrtime_t until, hrtime_t slack);
void port_relax(void); /* in a loop that waits for moments */

/*
 * Device memory of len bytes, whole pages, filled with zeros, that clients can map: the core's
 * record of it, and where a driver finds it. cookie: the record's. Of trash all pages may be one,
 * where the driver finds nothing. NULL: there is no memory, now. destroy() cuts off what is mapped of it, with a message.
 */
struct devmap_memory *port_memory_create(const char *name, size_t len, ddi_umem_cookie_t cookie,
					 bool trash, void **pages);
void port_memory_destroy(struct devmap_memory *m);
/*
 * Waits for memory for some 10 ms. False, and at once: that is of no use, for the machine does not
 * have so much, or this thread is to go.
 */
bool port_memory_wait(size_t len);

/*
 * Register sets of an instance, which stay from before its attach(9E) until after its detach(9E).
 * base is what a driver's addresses count from. get and put: 1, 2, 4 or 8 bytes, in the machine's
 * byte order, aligned and inside the set. read and write: a run of bytes, from or to a buffer that
 * may lie anywhere, among the registers too; false, and nothing: the set is not memory, whose
 * registers are to be accessed one by one.
 */
struct port_regset {
	void *set; /* for the functions below */
	char *base;
	size_t len;
};

int port_nregs(dev_info_t *dip);
bool port_regset(dev_info_t *dip, uint_t rnumber, struct port_regset *out); /* false: none */
/*
 * A driver is going to follow base by itself, and needs it no more; as often as that happens. False:
 * it cannot, and there is no end.
 */
bool port_pointer_begin(void *set);
void port_pointer_end(void *set);
uint64_t port_reg_get(void *set, size_t off, unsigned int width);
void port_reg_put(void *set, size_t off, unsigned int width, uint64_t value);
bool port_regs_read(void *set, size_t off, void *buf, size_t len);
bool port_regs_write(void *set, size_t off, const void *buf, size_t len);

/*
 * Interrupts of the instance's own hardware, not of a model: of a type, DDI_INTR_TYPE_, how many there
 * are. From alloc() on, which gives from `least` to `most` of them, or 0, they are the instance's. For
 * each that comes a thread calls serve(arg), which may sleep, and says whether the device has asked
 * for it; never two at once for one number. detach() waits for the one that runs.
 */
int port_intr_count(dev_info_t *dip, int type);
int port_intr_alloc(dev_info_t *dip, int type, int least, int most);
void port_intr_free(dev_info_t *dip);
int port_intr_attach(dev_info_t *dip, int number, bool (*serve)(void *arg),
		     void *arg); /* 0 or -errno */
void port_intr_detach(dev_info_t *dip, int number);

/*
 * ddi_root_node(9F) is an engine's too: an instance of a driver of its own, "rootnex", that has
 * neither properties nor registers.
 */

/* The driver whose _init(9E) or _fini(9E) this thread runs, or NULL. */
struct ddi_driver *port_calling(void);
/* The driver is installed no more: its ops become NULL. False, and nothing: one is attached. */
bool port_uninstall(struct ddi_driver *d);
/* Where the instance is on the PCI bus, "0000:00:04.0"; NULL: it is not. */
const char *port_pci_name(dev_info_t *dip);

#endif
