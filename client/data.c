/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The program's memory. The kernel moves the data, and so it is the kernel that finds out about a
 * bad address: EFAULT, not a signal. Where the memory is a device's that the kernel cannot bring in
 * for us (user-mode-only userfaultfd), the engine is asked to (DM_TOUCH), page by page.
 */
#include <string.h>

#include "internal.h"

void *bounce_get(size_t len)
{
	void *p = raw_mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return raw_bad(p) ? NULL : p;
}

void bounce_put(void *p, size_t len)
{
	(void)raw_munmap((uintptr_t)p, len);
}

static int data_reply(int reply, int error, const void *data, size_t len)
{
	struct dm_request head = { .magic = DM_MAGIC, .version = DM_VERSION, .op = DM_DATA };
	struct iovec iov[2] = {
		{ .iov_base = &head, .iov_len = sizeof(head) },
		{ .iov_base = (void *)data, .iov_len = len },
	};
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = len > 0 ? 2 : 1 };
	ssize_t n;

	head.a[0] = (uint64_t)error;
	do
		n = raw_sendmsg(reply, &m, MSG_NOSIGNAL);
	while (n == -EINTR);
	return n < 0 ? (int)n : 0;
}

static int data_in_chunk(int reply, const void *from, size_t len)
{
	void *bounce = NULL;
	int error = 0;

	if (maps_bounce(from, len)) {
		bounce = bounce_get(len);
		if (bounce == NULL)
			return -EFAULT;
		error = data_fetch(bounce, from, len);
		from = bounce;
	}
	if (error == 0)
		error = data_reply(reply, 0, from, len);
	if (bounce != NULL)
		bounce_put(bounce, len);
	return error;
}

int data_in(int reply, uint64_t addr, uint64_t len)
{
	int error = 0;

	while (len > 0 && error == 0) {
		size_t n = len < DM_DATA_MAX ? (size_t)len : DM_DATA_MAX;

		error = data_in_chunk(reply, (const void *)(uintptr_t)addr, n);
		addr += n;
		len -= n;
	}
	if (error == -EFAULT)
		error = data_reply(reply, EFAULT, NULL, 0);
	/* The engine's end is gone: the wait for the result will say so. */
	return error == -EPIPE || error == -ECONNRESET ? 0 : error;
}

int data_out(int reply, uint64_t addr, uint64_t len)
{
	struct dm_reply head;
	struct iovec iov[2] = { { .iov_base = &head, .iov_len = sizeof(head) } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	void *to = (void *)(uintptr_t)addr, *bounce = NULL;
	ssize_t n;
	int error = 0;

	if (len > DM_DATA_MAX)
		return -EPROTO;
	if (maps_bounce(to, (size_t)len)) {
		bounce = bounce_get((size_t)len);
		if (bounce == NULL)
			error = EFAULT;
	}
	iov[1].iov_base = bounce != NULL ? bounce : error != 0 ? NULL : to;
	iov[1].iov_len = error != 0 ? 0 : (size_t)len;
	n = raw_recvmsg(reply, &m, MSG_DONTWAIT);
	if (n < 0 && n != -EFAULT)
		return (int)n;
	/* The message is taken even where its data found no place. */
	if (n == -EFAULT || (error == 0 && (size_t)n != sizeof(head) + len))
		error = EFAULT;
	if (bounce != NULL) {
		if (error == 0)
			error = -data_store(to, bounce, (size_t)len);
		bounce_put(bounce, (size_t)len);
	}
	error = data_reply(reply, error, NULL, 0);
	return error == -EPIPE || error == -ECONNRESET ? 0 : error;
}

/* Moves what the kernel can reach. Returns the bytes, or -errno. */
static ssize_t move_some(char *ours, char *program, size_t len, bool store)
{
	struct iovec local = { .iov_base = ours, .iov_len = len };
	struct iovec remote = { .iov_base = program, .iov_len = len };

	return raw(store ? SYS_process_vm_writev : SYS_process_vm_readv, (long)raw_getpid(), &local,
		   1L, &remote, 1L, 0L);
}

/* The page at p is not there: has the engine bring it. 0, -EFAULT, or -EPROTO: it cannot. */
static int touch(const char *p, bool store)
{
	uintptr_t addr = (uintptr_t)p;
	int error, need = store ? PROT_WRITE : PROT_READ;
	struct map m;

	if (!maps_first(addr, addr + 1, &m) || (m.prot & need) == 0)
		return -EFAULT;
	error = session_call(m.session, DM_TOUCH, addr, (uint64_t)need);
	/* A signal handler ran; a page that another process takes again is asked for again. */
	if (error == -EINTR)
		return 0;
	return error == 0 || error == -EPROTO ? error : -EFAULT;
}

static int data_copy(char *ours, char *program, size_t len, bool store)
{
	bool by_hand = false;
	unsigned tries = 0;

	while (len > 0 && !by_hand) {
		ssize_t n = move_some(ours, program, len, store);

		if (n > 0) {
			ours += n;
			program += n;
			len -= (size_t)n;
			tries = 0;
		} else if (n == -EFAULT) {
			int error = touch(program, store);

			if (error == -EFAULT)
				return error;
			by_hand = error != 0 || ++tries > 100;
		} else {
			by_hand = true; /* a sandbox forbids the call */
		}
	}
	/* A bad address, or an access that fails, is a signal here. */
	if (len > 0)
		memcpy(store ? program : ours, store ? ours : program, len);
	return 0;
}

int data_fetch(void *to, const void *program, size_t len)
{
	return data_copy(to, (char *)program, len, false);
}

int data_store(void *program, const void *from, size_t len)
{
	return data_copy((char *)from, program, len, true);
}
