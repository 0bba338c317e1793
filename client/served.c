/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Devices as files that the kernel serves (FUSE). What is left to do for them: ioctl(2), whose
 * arguments the kernel does not know; stat(2), which is to show a character device; and calls that a
 * signal interrupts, which the kernel ends always, and never restarts.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "internal.h"
#include "real.h"

#define SMALL	   4096u /* of a buffer on the stack */
#define ROOM(size) ((size) - sizeof(struct dm_round))
#define OPEN_TRIES 100 /* then the EINTR is the driver's own */

bool served_flags_change;

bool served_probe(int fd)
{
	struct stat st;

	return raw(SYS_fstat, fd, &st) == 0 && S_ISREG(st.st_mode) && DM_INO_IS(st.st_ino);
}

/* A request of one round. 0 or -errno. */
static int one_round(int fd, uint16_t op, void *buf, size_t size)
{
	struct dm_round *r = buf;
	int error;

	memset(buf, 0, size); /* nothing of our stack goes along */
	do {
		*r = (struct dm_round){ .magic = DM_MAGIC, .version = DM_VERSION, .op = op };
		error = (int)raw(SYS_ioctl, fd, DM_ROUND(size), buf);
	} while (error == -EINTR);
	if (error == 0 && r->op != DM_ROUND_DONE)
		error = -EPROTO;
	return error < 0 ? error : 0;
}

/* What a device says whose engine is gone; drivers may say the same of something else. */
static int died(int fd, int error)
{
	struct dm_round r;
	int now;

	if (error != -ENOTCONN && error != -ECONNABORTED)
		return error;
	now = fd >= 0 ? one_round(fd, DM_ROUND_SIGNALS, &r, sizeof(r)) : error;
	if (now != -ENOTCONN && now != -ECONNABORTED)
		return error;
	return error == -ENOTCONN ? -ENXIO : -EIO;
}

/* After an EINTR of open(2), for which nobody can be asked: could a handler have ended it? */
static bool any_handler_ends_calls(void)
{
	struct sigaction sa;

	for (int sig = 1; sig < NSIG; sig++)
		if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler != SIG_DFL &&
		    sa.sa_handler != SIG_IGN && (sa.sa_flags & SA_RESTART) == 0)
			return true;
	return false;
}

int served_open(const struct device_name *n, int flags)
{
	int fd, as = flags & ~(O_CREAT | O_EXCL), tries = 0;

	if ((flags & O_EXCL) != 0)
		as |= DM_OPEN_EXCL;
	do
		fd = REAL(openat)(AT_FDCWD, n->path, as);
	while (fd < 0 && ++tries < OPEN_TRIES &&
	       (errno == DM_AGAIN || (errno == EINTR && !any_handler_ends_calls())));
	if (fd < 0)
		return died(-1, -errno);
	fd_mark(fd, FD_SERVED);
	return fd;
}

int served_file(int fd, struct dm_file *f)
{
	struct {
		struct dm_round head;
		struct dm_file file;
	} r;
	int error = one_round(fd, DM_ROUND_FILE, &r, sizeof(r));

	if (error == 0)
		*f = r.file;
	return error == -ENOTCONN ? -ENXIO : error;
}

/* One whose handler is not there any more has been handled once, and that would have ended the call. */
static bool restarts(int sig, bool known)
{
	struct sigaction sa;

	if (sigaction(sig, NULL, &sa) != 0)
		return true;
	if (sa.sa_handler == SIG_DFL || sa.sa_handler == SIG_IGN)
		return !known;
	return (sa.sa_flags & SA_RESTART) != 0;
}

bool served_restart(int fd)
{
	int before = errno;
	struct dm_round r;
	bool restart = fd_served(fd) && one_round(fd, DM_ROUND_SIGNALS, &r, sizeof(r)) == 0 &&
		       r.a[1] != 0;

	for (int sig = 1; restart && sig < NSIG; sig++)
		if ((r.a[0] & 1ull << (sig - 1)) != 0)
			restart = restarts(sig, r.a[0] != UINT64_MAX);
	errno = before;
	return restart;
}

int64_t served_seek_end(int fd, int64_t off)
{
	struct dm_file f;
	int error = served_file(fd, &f);

	if (error == 0 && f.info.size == 0)
		error = -EINVAL; /* no end: it has no size */
	return error != 0 ? error : f.info.size + off;
}

/*
 * How much of the argument's memory is there for sure, and can be written: it goes along with the first
 * round, and what the driver has stored comes back with the last. In the page of our caller's frames that
 * is what lies further on, since their stack does.
 */
static size_t vouch_stack(uintptr_t arg, size_t want)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	uintptr_t end = (frame | (page_size() - 1)) + 1;

	if (arg <= frame || arg >= end)
		return 0;
	return want < end - arg ? want : end - arg;
}

/* Elsewhere the kernel is asked, of whole pages. What the command does not say ends with its page. */
static size_t vouch_heap(unsigned long cmd, uintptr_t arg, size_t want)
{
	uintptr_t mask = page_size() - 1, from = arg & ~mask, to = (arg | mask) + 1;

	if (_IOC_SIZE(cmd) == 0 && want > to - arg)
		want = to - arg;
	if (arg < page_size() || arg + want < arg || maps_near((void *)arg, want))
		return 0;
	to = (arg + want + mask) & ~mask;
	return raw_madvise(from, to - from, MADV_POPULATE_WRITE) == 0 ? want : 0;
}

/* Of the stack, where between variables there is what a sanitizer would not have us read. */
__attribute__((no_sanitize("address", "thread"))) static void copy_stack(char *to, const char *from,
									 size_t len)
{
	const volatile char *p = from;

	for (size_t i = 0; i < len; i++)
		to[i] = p[i];
}

/* A conversation's buffer: on the stack, or larger. */
struct talk {
	struct dm_round *r;
	size_t size;
	char small[SMALL] __attribute__((aligned(16)));
};

static void talk_grow(struct talk *t)
{
	void *p;

	if (t->size == DM_ROUND_MAX)
		return;
	p = bounce_get(DM_ROUND_MAX);
	if (p == NULL)
		return;
	memcpy(p, t->r, sizeof(*t->r));
	t->r = p;
	t->size = DM_ROUND_MAX;
}

static void talk_end(struct talk *t)
{
	if (t->size == DM_ROUND_MAX)
		bounce_put(t->r, DM_ROUND_MAX);
}

/* Answers a round that asks for memory or brings some: t->r is the next to be sent. */
static void talk_more(struct talk *t)
{
	uintptr_t at = t->r->a[0];
	size_t len = t->r->a[1], have = t->r->len;
	bool in = t->r->op == DM_ROUND_IN;
	int error = 0;

	if (in && len > ROOM(t->size))
		talk_grow(t);
	if (in && len > ROOM(t->size))
		len = ROOM(t->size);
	if (in)
		error = data_fetch(t->r + 1, (const void *)at, len);
	else
		error = data_store((void *)at, t->r + 1, have <= ROOM(t->size) ? have : 0);
	t->r->op = DM_ROUND_MORE;
	t->r->error = -error;
	t->r->len = in && error == 0 ? (uint32_t)len : 0;
}

/* Rounds until there is a result. */
static long talk(int fd, struct talk *t)
{
	bool again = false; /* a round that may have been lost to a signal */
	long n;

	for (;;) {
		n = raw(SYS_ioctl, fd, DM_ROUND(t->size), t->r);
		if (n == -EINTR && t->r->op == DM_ROUND_MORE) {
			again = true;
			continue;
		}
		if (n == -EINVAL && again) /* it had come: that was the result */
			return -EINTR;
		again = false;
		if (n < 0 || (t->r->op != DM_ROUND_IN && t->r->op != DM_ROUND_OUT))
			return n;
		talk_more(t);
	}
}

static long ioctl_once(int fd, unsigned long cmd, unsigned long arg)
{
	struct talk t = { .r = (struct dm_round *)t.small, .size = SMALL };
	size_t have, want, heap = 0;
	long n;

	if (_IOC_SIZE(cmd) > ROOM(SMALL))
		talk_grow(&t);
	want = _IOC_SIZE(cmd) != 0 ? _IOC_SIZE(cmd) : 512;
	if (want > ROOM(t.size))
		want = ROOM(t.size);
	have = vouch_stack(arg, want);
	if (have != 0)
		copy_stack((char *)(t.r + 1), (const char *)arg, have);
	else
		have = heap = vouch_heap(cmd, arg, want);
	if (heap != 0 && data_fetch(t.r + 1, (const void *)arg, heap) != 0)
		have = 0; /* another thread has taken it away */
	*t.r = (struct dm_round){ .magic = DM_MAGIC,
				  .version = DM_VERSION,
				  .op = DM_ROUND_IOCTL,
				  .id = served_flags_change ? (uint64_t)raw_fcntl(fd, F_GETFL, 0) :
							      0,
				  .a = { cmd, arg },
				  .len = (uint32_t)have };
	n = talk(fd, &t);
	/* What the driver has stored, and nothing beside it. */
	if (n >= 0 && t.r->op == DM_ROUND_DONE && t.r->len > 0 && t.r->len <= ROOM(t.size) &&
	    t.r->a[0] >= arg && t.r->a[0] - arg + t.r->len <= have) {
		void *to = (void *)(uintptr_t)t.r->a[0];

		if (heap == 0)
			memcpy(to, t.r + 1, t.r->len);
		else if (data_store(to, t.r + 1, t.r->len) != 0)
			n = -EFAULT;
	}
	talk_end(&t);
	return n;
}

bool served_ioctl(int fd, unsigned long cmd, unsigned long arg, long *result)
{
	/* These are the descriptor's, whatever is behind it. */
	if (cmd == FIONBIO)
		served_flags_change = true;
	if (cmd == FIONBIO || cmd == FIOASYNC || cmd == FIOCLEX || cmd == FIONCLEX)
		return false;
	do
		*result = died(fd, (int)ioctl_once(fd, cmd, arg));
	while (*result == -EINTR && served_restart(fd));
	if ((*result == -ENOTTY || *result == -EINVAL || *result == -EOPNOTSUPP) &&
	    !served_probe(fd)) {
		fd_forget(fd);
		return false;
	}
	return true;
}

/* As a character device. */
void served_stat(struct stat *st)
{
	struct dm_info info = { .rdev = (uint32_t)st->st_ino,
				.mode = st->st_mode,
				.uid = st->st_uid,
				.gid = st->st_gid };

	device_stat(&info, st);
}

ssize_t served_error(int fd, ssize_t n)
{
	if (n < 0 && (errno == ENOTCONN || errno == ECONNABORTED) && fd_served(fd))
		errno = -died(fd, -errno);
	return n;
}
