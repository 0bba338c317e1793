/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Whose system calls may access device memory: see policy.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy.h"
#include "server.h"
#include "uffd_compat.h"

static int maker = -1; /* /dev/userfaultfd, to hand out */
static bool poison;    /* without it a failed access of the kernel could not be ended */

static bool kernel_poisons(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	bool has = fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0 &&
		   (api.features & UFFD_FEATURE_POISON) != 0;

	if (fd >= 0)
		close(fd);
	return has;
}

void policy_init(void)
{
	poison = kernel_poisons();
	if (server_options.kernel_faults != KFAULTS_ALL)
		return;
	if (!poison)
		log_warn("--kernel-faults: needs Linux 6.6; nobody gets them");
	else if ((maker = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC)) < 0)
		log_warn("--kernel-faults: /dev/userfaultfd: %s; nobody gets it", strerror(errno));
}

void policy_send(struct request *rq, struct dm_reply *r, const struct cred *cred, int fd)
{
	int fds[2];
	unsigned n = 0;

	if (fd >= 0)
		fds[n++] = fd;
	if (maker >= 0) {
		fds[n++] = maker;
		r->flags |= DM_F_KFAULTS | DM_F_UFFD_FD;
	} else if (poison && server_options.kernel_faults == KFAULTS_OWN &&
		   cred->uid == geteuid()) {
		r->flags |= DM_F_KFAULTS;
	}
	reply_send(rq, r, NULL, fds, n);
}
