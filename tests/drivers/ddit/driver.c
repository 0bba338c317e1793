/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* See ddit.h. One check runs at a time. */
#include "check.h"

#include <sys/modctl.h>
#include <sys/stat.h>

static dev_info_t *ddit_dip;

/* Threads that clients have lent. lock guards all of it. */
static struct {
	kmutex_t lock;
	kcondvar_t changed;
	unsigned workers;
	unsigned busy; /* begun, or still to be begun */
	boolean_t stop;
	boolean_t running; /* a check */
	unsigned queued;
	void (*fn[DDIT_WORKERS])(void *arg);
	void *arg[DDIT_WORKERS];
} jobs;

void job_start(void (*fn)(void *arg), void *arg)
{
	mutex_enter(&jobs.lock);
	VERIFY(jobs.busy < DDIT_WORKERS);
	jobs.fn[jobs.queued] = fn;
	jobs.arg[jobs.queued++] = arg;
	jobs.busy++;
	cv_broadcast(&jobs.changed);
	mutex_exit(&jobs.lock);
}

void jobs_wait(void)
{
	mutex_enter(&jobs.lock);
	while (jobs.busy > 0)
		cv_wait(&jobs.changed, &jobs.lock);
	mutex_exit(&jobs.lock);
}

/* jobs.lock is held, and let go of meanwhile. */
static void job_run(void)
{
	void (*fn)(void *) = jobs.fn[--jobs.queued];
	void *arg = jobs.arg[jobs.queued];

	mutex_exit(&jobs.lock);
	fn(arg);
	mutex_enter(&jobs.lock);
	jobs.busy--;
	cv_broadcast(&jobs.changed);
}

static int work(void)
{
	int error = 0;

	mutex_enter(&jobs.lock);
	jobs.workers++;
	cv_broadcast(&jobs.changed);
	while (!jobs.stop && error == 0) {
		if (jobs.queued > 0)
			job_run();
		else if (cv_wait_sig(&jobs.changed, &jobs.lock) == 0)
			error = EINTR;
	}
	jobs.workers--;
	cv_broadcast(&jobs.changed);
	mutex_exit(&jobs.lock);
	return error;
}

/* Returns when the last has gone. */
static int stop(void)
{
	int error = 0;

	mutex_enter(&jobs.lock);
	jobs.stop = B_TRUE;
	cv_broadcast(&jobs.changed);
	while (jobs.workers > 0 && error == 0)
		if (cv_wait_sig(&jobs.changed, &jobs.lock) == 0)
			error = EINTR;
	jobs.stop = B_FALSE;
	mutex_exit(&jobs.lock);
	return error;
}

void check_failed(struct check *c, int line, const char *fmt, ...)
{
	va_list ap;

	c->line = line;
	va_start(ap, fmt);
	(void)vsnprintf(c->text, sizeof(c->text), fmt, ap);
	va_end(ap);
}

#define ENTRY(name, what) check_##name,

static void (*const checks[])(struct check *c) = {
	DDIT_DATA(ENTRY) DDIT_MEMORY(ENTRY) DDIT_SYNC(ENTRY) DDIT_TIME(ENTRY) DDIT_NUMBERS(ENTRY)
		DDIT_LISTS(ENTRY) DDIT_TASKS(ENTRY) DDIT_BLOCKS(ENTRY) DDIT_KSTATS(ENTRY)
			DDIT_STEPS(ENTRY)
};

static int begin(void)
{
	int error = 0;

	mutex_enter(&jobs.lock);
	while ((jobs.running || jobs.workers < DDIT_WORKERS) && error == 0)
		if (cv_wait_sig(&jobs.changed, &jobs.lock) == 0)
			error = EINTR;
	if (error == 0)
		jobs.running = B_TRUE;
	mutex_exit(&jobs.lock);
	return error;
}

static int run(struct ddit_run *r)
{
	struct check c = { .dip = ddit_dip };
	int error;

	if (r->check >= DDIT_CHECKS)
		return EINVAL;
	error = begin();
	if (error != 0)
		return error;
	checks[r->check](&c);
	jobs_wait();
	mutex_enter(&jobs.lock);
	jobs.running = B_FALSE;
	cv_broadcast(&jobs.changed);
	mutex_exit(&jobs.lock);
	r->line = c.line;
	bcopy(c.text, r->text, sizeof(r->text));
	return 0;
}

static int ddit_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *cred, int *rval)
{
	struct ddit_run r;
	int error;

	if (cmd == (int)DDIT_WORK)
		return work();
	if (cmd == (int)DDIT_STOP)
		return stop();
	if (cmd != (int)DDIT_RUN)
		return ENOTTY;
	if (ddi_copyin((void *)arg, &r, sizeof(r), mode) != 0)
		return EFAULT;
	error = run(&r);
	if (error == 0 && ddi_copyout(&r, (void *)arg, sizeof(r), mode) != 0)
		error = EFAULT;
	return error;
}

static int ddit_attach(dev_info_t *dip, ddi_attach_cmd_t cmd)
{
	if (cmd != DDI_ATTACH)
		return DDI_FAILURE;
	ddit_dip = dip;
	return ddi_create_minor_node(dip, "", S_IFCHR, 0, DDI_PSEUDO, 0);
}

static int ddit_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	return cmd == DDI_DETACH ? DDI_SUCCESS : DDI_FAILURE;
}

static int ddit_getinfo(dev_info_t *dip, ddi_info_cmd_t cmd, void *arg, void **resultp)
{
	if (cmd != DDI_INFO_DEVT2DEVINFO)
		return DDI_FAILURE;
	*resultp = ddit_dip;
	return DDI_SUCCESS;
}

static struct cb_ops ddit_cb_ops = { nulldev,	  nulldev,    nodev,	    nodev, nodev, nodev,
				     nodev,	  ddit_ioctl, nodev,	    nodev, nodev, nochpoll,
				     ddi_prop_op, NULL,	      D_NEW | D_MP, CB_REV };

static struct dev_ops ddit_ops = { DEVO_REV,	0,	     ddit_getinfo, nulldev,	nulldev,
				   ddit_attach, ddit_detach, nodev,	   &ddit_cb_ops };

static struct modldrv modldrv = { &mod_driverops, "checks of the DDI", &ddit_ops };
static struct modlinkage modlinkage = { MODREV_1, { &modldrv, NULL } };

int _init(void)
{
	return mod_install(&modlinkage);
}

int _info(struct modinfo *modinfo)
{
	return mod_info(&modlinkage, modinfo);
}

int _fini(void)
{
	return mod_remove(&modlinkage);
}
