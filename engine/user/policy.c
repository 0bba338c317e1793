/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Whose system calls may access device memory: see policy.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy.h"
#include "server.h"
#include "uffd_compat.h"

static bool huge;      /* Linux may give shared memory huge pages unasked */
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

static bool pages_may_be_huge(void)
{
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "re");
	char line[128] = "";
	bool never;

	if (f == NULL)
		return true;
	never = fgets(line, sizeof(line), f) != NULL &&
		(strstr(line, "[never]") != NULL || strstr(line, "[advise]") != NULL ||
		 strstr(line, "[deny]") != NULL);
	fclose(f);
	return !never;
}

void policy_init(void)
{
	huge = pages_may_be_huge();
	poison = kernel_poisons();
	if (server_options.kernel_faults != KFAULTS_ALL)
		return;
	if (!poison)
		log_warn("--kernel-faults: needs Linux 6.6; nobody gets them");
	else if ((maker = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC)) < 0)
		log_warn("--kernel-faults: /dev/userfaultfd: %s; nobody gets it", strerror(errno));
}

uint32_t policy_flags(const struct cred *cred)
{
	uint32_t flags = huge ? DM_F_HUGE : 0;

	if (maker >= 0)
		flags |= DM_F_KFAULTS | DM_F_UFFD_FD;
	else if (poison && server_options.kernel_faults == KFAULTS_OWN && cred->uid == geteuid())
		flags |= DM_F_KFAULTS;
	return flags;
}

bool policy_trusts(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

void policy_send(struct request *rq, struct dm_reply *r, const struct cred *cred, int fd)
{
	int fds[2];
	unsigned n = 0;

	r->flags |= policy_flags(cred);
	if (fd >= 0)
		fds[n++] = fd;
	if ((r->flags & DM_F_UFFD_FD) != 0)
		fds[n++] = maker;
	reply_send(rq, r, NULL, fds, n);
}
