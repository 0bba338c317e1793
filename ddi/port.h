/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the DDI asks of an operating system: the guide for whoever ports it.
 *
 * ddi/ is compiled into every engine as it is, and calls nothing but the DDI itself, the functions
 * below, and the core. An engine brings
 *
 *   - the lock types of <sys/types.h> and what works on them: mutex_*(), rw_*(), cv_init(),
 *     cv_destroy(), cv_signal(), cv_broadcast(). Filled with zeros they are valid and free. What a
 *     thread has left by mutex_exit(), rw_exit() or, holding the mutex, by cv_signal() is not touched
 *     by it any more once another has got the lock: the next owner may free it;
 *   - memory, kmem_*(); time, gethrtime(); call-outs, timeout() and untimeout();
 *   - who a process is: ddi_get_cred(), crget*(), drv_priv(), ddi_get_pid(), ddi_get_kt_did(),
 *     devmap_curproc(); device numbers, getmajor() and its like; minor nodes; DMA;
 *   - of libc, string functions, snprintf() and vsnprintf();
 *   - the functions below.
 *
 * Where nothing else is said, a function may be called by any thread that holds no other locks than
 * the DDI's, and may sleep; lengths are bytes; times are nanoseconds of gethrtime().
 */
#ifndef DEVMAP_DDI_PORT_H
#define DEVMAP_DDI_PORT_H

#include <sys/types.h>
#include <sys/dditypes.h>

/*
 * Memory for the DDI itself: filled with zeros, aligned for any type. NULL: there is none, now.
 * Takes no lock that is held while the DDI is called. p may be NULL.
 */
void *port_alloc(size_t size);
void port_free(void *p);

#endif
