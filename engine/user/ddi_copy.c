/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The process that is being served: its memory (ddi_copyin(9F), uiomove(9F)), its identity
 * (ddi_get_pid(9F), ddi_cred(9F), drv_priv(9F)), its data model. All of it comes from the context
 * that the server sets around a call of the driver.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/cred.h>
#include <sys/ddi.h>
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/sunddi.h>
#include <sys/systm.h>
#include <sys/uio.h>

#include "context.h"
#include "cred.h"
#include "devinfo.h"

/* Faults, fork and munmap have no thread at hand whose memory could be asked for. */
static const struct client_memory *memory_of_client(const void *caller, const char *call)
{
	struct context *c = context_get();

	if (c == NULL)
		driver_mistake(caller, call, "this thread serves no process");
	else if (c->memory == NULL)
		driver_mistake(caller, call,
		    "not in devmap_access(9E), devmap_dup(9E), devmap_unmap(9E)");
	return c != NULL ? c->memory : NULL;
}

static int copy_in(uintptr_t from, void *to, size_t len, const void *caller, const char *call)
{
	const struct client_memory *m = memory_of_client(caller, call);

	return m == NULL || m->in == NULL ? EFAULT : len == 0 ? 0 : m->in(m->arg, from, to, len);
}

static int copy_out(const void *from, uintptr_t to, size_t len, const void *caller,
    const char *call)
{
	const struct client_memory *m = memory_of_client(caller, call);

	return m == NULL || m->out == NULL ? EFAULT : len == 0 ? 0 : m->out(m->arg, from, to, len);
}

int copyin(const void *userbuf, void *driverbuf, size_t cn)
{
	return copy_in((uintptr_t)userbuf, driverbuf, cn, CALLER(), "copyin") == 0 ? 0 : -1;
}

int copyout(const void *driverbuf, void *userbuf, size_t cn)
{
	return copy_out(driverbuf, (uintptr_t)userbuf, cn, CALLER(), "copyout") == 0 ? 0 : -1;
}

int ddi_copyin(const void *buf, void *driverbuf, size_t cn, int flags)
{
	if (flags & FKIOCTL) {
		memmove(driverbuf, buf, cn);
		return 0;
	}
	return copy_in((uintptr_t)buf, driverbuf, cn, CALLER(), "ddi_copyin") == 0 ? 0 : -1;
}

int ddi_copyout(const void *driverbuf, void *buf, size_t cn, int flags)
{
	if (flags & FKIOCTL) {
		memmove(buf, driverbuf, cn);
		return 0;
	}
	return copy_out(driverbuf, (uintptr_t)buf, cn, CALLER(), "ddi_copyout") == 0 ? 0 : -1;
}

/* uiomove(9F) */

static int uio_piece(char *address, size_t len, enum uio_rw rw, const uio_t *uio,
    const void *caller, const char *call)
{
	char *user = uio->uio_iov->iov_base;

	if (uio->uio_segflg == UIO_SYSSPACE) {
		memmove(rw == UIO_READ ? user : address, rw == UIO_READ ? address : user, len);
		return 0;
	}
	return rw == UIO_READ ? copy_out(address, (uintptr_t)user, len, caller, call) :
	    copy_in((uintptr_t)user, address, len, caller, call);
}

static void uio_advance(uio_t *uio, size_t len)
{
	uio->uio_iov->iov_base = (char *)uio->uio_iov->iov_base + len;
	uio->uio_iov->iov_len -= len;
	uio->uio_resid -= (ssize_t)len;
	uio->uio_loffset += (offset_t)len;
}

static int uio_move(char *address, size_t n, enum uio_rw rw, uio_t *uio, const void *caller,
    const char *call)
{
	while (n > 0 && uio->uio_resid > 0 && uio->uio_iovcnt > 0) {
		size_t len = uio->uio_iov->iov_len;

		if (len == 0) {
			uio->uio_iov++;
			uio->uio_iovcnt--;
			continue;
		}
		len = MIN(len, MIN(n, (size_t)uio->uio_resid));
		if (uio_piece(address, len, rw, uio, caller, call) != 0)
			return EFAULT;
		uio_advance(uio, len);
		address += len;
		n -= len;
	}
	return 0;
}

int uiomove(caddr_t address, size_t nbytes, enum uio_rw rwflag, uio_t *uio_p)
{
	return uio_move(address, nbytes, rwflag, uio_p, CALLER(), "uiomove");
}

int ureadc(int c, uio_t *uio_p)
{
	char byte = (char)c;

	return uio_move(&byte, 1, UIO_READ, uio_p, CALLER(), "ureadc");
}

int uwritec(uio_t *uio_p)
{
	ssize_t before = uio_p->uio_resid;
	unsigned char byte;

	if (uio_move((char *)&byte, 1, UIO_WRITE, uio_p, CALLER(), "uwritec") != 0 ||
	    uio_p->uio_resid == before)
		return -1;
	return byte;
}

/* Identity. A driver's own threads are the system's. */

static struct cred system_cred = { .refs = 1 };

cred_t *ddi_get_cred(void)
{
	struct context *c = context_get();

	return c != NULL && c->cred != NULL ? c->cred : &system_cred;
}

uid_t crgetuid(const cred_t *cr)
{
	return cr->uid;
}

uid_t crgetruid(const cred_t *cr)
{
	return cr->uid;
}

gid_t crgetgid(const cred_t *cr)
{
	return cr->gid;
}

gid_t crgetrgid(const cred_t *cr)
{
	return cr->gid;
}

/* Whoever runs the engine has it in his power anyway. */
int drv_priv(cred_t *cr)
{
	return cr->uid == 0 || cr->uid == geteuid() ? 0 : EPERM;
}

pid_t ddi_get_pid(void)
{
	struct context *c = context_get();

	return c != NULL ? c->pid : 0;
}

proc_t *devmap_curproc(void)
{
	return (proc_t *)(uintptr_t)ddi_get_pid();
}

/* Those of a process. */
static int drv_getprocparm(unsigned int parm, void *value_p)
{
	pid_t pid = ddi_get_pid();

	if (pid == 0)
		return -1;
	switch (parm) {
	case UPROCP:
		*(proc_t **)value_p = devmap_curproc();
		return 0;
	case PPGRP:
		*(pid_t *)value_p = getpgid(pid);
		return 0;
	case PPID:
		*(pid_t *)value_p = pid;
		return 0;
	case PSID:
		*(pid_t *)value_p = getsid(pid);
		return 0;
	case UCRED:
		*(cred_t **)value_p = ddi_get_cred();
		return 0;
	default:
		return -1;
	}
}

int drv_getparm(unsigned int parm, void *value_p)
{
	switch (parm) {
	case TIME:
		*(time_t *)value_p = time(NULL);
		return 0;
	case LBOLT:
		*(clock_t *)value_p = ddi_get_lbolt();
		return 0;
	default:
		return drv_getprocparm(parm, value_p);
	}
}

/* The data model. The user engine serves programs of its own model only. */

ddi_model_t ddi_model_convert_from(ddi_model_t model)
{
	model &= DDI_MODEL_MASK;
	return model == DDI_MODEL_NATIVE ? DDI_MODEL_NONE : model;
}

ddi_model_t ddi_mmap_get_model(void)
{
	return DDI_MODEL_NATIVE;
}
