// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Models at run time: which there are, and an instance's. sync() is called before accessors, after
 * unloads and by a thread. See <devmap/model.h>.
 *
 * LOCKS: m->lock serialises sync(), and is held across it. What a model calls from there takes no
 * lock and never calls sync(): so it cannot be entered twice. models_lock is a leaf.
 */
#define pr_fmt(fmt) "devmap: " fmt

#include "model.h"

#include <linux/kmod.h>
#include <linux/kthread.h>

#define DELAY_FIRST_US 50
#define DELAY_DOZE_US  400 /* from here on kicks end the delay */
#define DELAY_LAST_US  10000

/*
 * The models that are loaded.
 */

struct known {
	struct list_head link;
	struct module *module;
	const struct devmap_model_ops *ops;
};

static DEFINE_MUTEX(models_lock);
static LIST_HEAD(models);

/* By what it calls itself, or by its module's name. Called with models_lock held. */
static struct known *known_find(const char *name)
{
	struct known *k;

	lockdep_assert_held(&models_lock);
	list_for_each_entry(k, &models, link)
		if (strcmp(k->ops->name, name) == 0 || strcmp(k->module->name, name) == 0)
			return k;
	return NULL;
}

static int ops_check(const struct module *m, const struct devmap_model_ops *ops)
{
	if (ops->version != DEVMAP_MODEL_VERSION)
		pr_warn("model %s: its version is %u, this engine's is %d\n", m->name, ops->version,
			DEVMAP_MODEL_VERSION);
	else if (ops->size < sizeof(*ops))
		pr_warn("model %s: its devmap_model has %zu bytes, this engine's %zu\n", m->name,
			ops->size, sizeof(*ops));
	else if (ops->name == NULL || ops->attach == NULL || ops->sync == NULL)
		pr_warn("model %s: it has no %s\n", m->name,
			ops->name == NULL   ? "name" :
			ops->attach == NULL ? "attach function" :
					      "sync function");
	else
		return 0;
	return -EINVAL;
}

int devmap_model_register(struct module *m, const struct devmap_model_ops *ops)
{
	int error = ops_check(m, ops);
	struct known *k;

	if (error != 0)
		return error;
	k = kzalloc(sizeof(*k), GFP_KERNEL);
	if (k == NULL)
		return -ENOMEM;
	k->module = m;
	k->ops = ops;
	mutex_lock(&models_lock);
	if (known_find(ops->name) != NULL)
		error = -EEXIST;
	else
		list_add_tail(&k->link, &models);
	mutex_unlock(&models_lock);
	if (error != 0) {
		pr_warn("model %s: there is a model '%s' already\n", m->name, ops->name);
		kfree(k);
	}
	return error;
}
EXPORT_SYMBOL(devmap_model_register);

void devmap_model_unregister(const struct devmap_model_ops *ops)
{
	struct known *k, *next;

	mutex_lock(&models_lock);
	list_for_each_entry_safe(k, next, &models, link) {
		if (k->ops == ops) {
			driver_mistakes_forget(k->module);
			list_del(&k->link);
			kfree(k);
		}
	}
	mutex_unlock(&models_lock);
}
EXPORT_SYMBOL(devmap_model_unregister);

/* Its module is held. NULL: there is none, or it is just being unloaded. */
static const struct devmap_model_ops *model_get(const char *name, struct module **owner)
{
	const struct devmap_model_ops *ops = NULL;
	struct known *k;

	mutex_lock(&models_lock);
	k = known_find(name);
	if (k != NULL && try_module_get(k->module)) {
		ops = k->ops;
		*owner = k->module;
	}
	mutex_unlock(&models_lock);
	return ops;
}

static const struct devmap_model_ops *model_find(const char *name, struct module **owner)
{
	const struct devmap_model_ops *ops = model_get(name, owner);

	if (ops == NULL && request_module("%s", name) == 0)
		ops = model_get(name, owner);
	return ops;
}

/*
 * sync() and the thread that calls it.
 */

/*
 * Nothing, while the thread comes by itself soon. Else the thread, which says that it dozes before
 * its last look, is woken.
 */
static void model_kick(struct devmap_model *m)
{
	if (READ_ONCE(m->dozing) && xchg(&m->dozing, false))
		wake_up_process(m->thread);
}

static bool model_sync(struct devmap_model *m)
{
	bool more;

	mutex_lock(&m->lock);
	more = m->ops->sync(m) != 0;
	mutex_unlock(&m->lock);
	return more;
}

/* Work left in flight is the thread's. */
void devmap_model_sync(struct devmap_model *m)
{
	if (m != NULL && model_sync(m))
		model_kick(m);
}

/* Anybody who loads a page comes here, with locks held: it is nothing while the thread runs. */
void devmap_model_watch(struct devmap_model *m)
{
	if (m != NULL)
		model_kick(m);
}

void model_pointer_begin(struct devmap_model *m)
{
	atomic_inc(&m->pointers);
	model_kick(m);
}

void model_pointer_end(struct devmap_model *m)
{
	(void)atomic_dec_if_positive(&m->pointers);
}

/* Can a client store now? The lists of handles are only looked at. */
static bool model_busy(const struct devmap_model *m)
{
	int i;

	for (i = 0; i < m->nregs; i++)
		if (READ_ONCE(m->regs[i]->memory.mem_handles) != NULL)
			return true;
	return atomic_read(&m->pointers) > 0;
}

/* us 0: until somebody kicks. Returns whether somebody has. */
static bool model_doze(struct devmap_model *m, unsigned int us)
{
	ktime_t t = ktime_set(0, (long)us * NSEC_PER_USEC);
	bool kicked;

	set_current_state(TASK_IDLE);
	if (READ_ONCE(m->dozing) && !kthread_should_stop()) {
		if (us != 0)
			(void)schedule_hrtimeout_range(&t, us * (NSEC_PER_USEC / 4),
						       HRTIMER_MODE_REL);
		else
			schedule();
	}
	__set_current_state(TASK_RUNNING);
	kicked = !READ_ONCE(m->dozing);
	WRITE_ONCE(m->dozing, false);
	return kicked;
}

/* Whoever stores after the look that comes first here finds us dozing. Returns the next delay. */
static unsigned int model_wait(struct devmap_model *m, unsigned int us)
{
	bool more;

	if (us < DELAY_DOZE_US) {
		usleep_idle_range(us, us + us / 4);
		return us * 2;
	}
	WRITE_ONCE(m->dozing, true);
	smp_mb();
	more = model_sync(m);
	if (more)
		WRITE_ONCE(m->dozing, false);
	if (more || model_doze(m, us < DELAY_LAST_US || model_busy(m) ? us : 0))
		return DELAY_FIRST_US;
	return min(us * 2, (unsigned int)DELAY_LAST_US);
}

static int model_thread(void *arg)
{
	unsigned int us = DELAY_FIRST_US;
	struct devmap_model *m = arg;

	while (!kthread_should_stop()) {
		if (model_sync(m)) {
			us = DELAY_FIRST_US;
			cond_resched();
		} else {
			us = model_wait(m, us);
		}
	}
	return 0;
}

static int model_start(struct devmap_model *m)
{
	struct task_struct *thread = kthread_create(model_thread, m, "%s-model", m->dip->name);

	if (IS_ERR(thread))
		return PTR_ERR(thread);
	m->thread = thread;
	wake_up_process(thread);
	return 0;
}

/*
 * An instance's model.
 */

/*
 * Which: the property, or the default where one of that name is loaded. 0: *ops may be NULL. Nobody
 * else has the instance yet, so prop_lock is not needed.
 */
static int model_choose(dev_info_t *dip, const struct devmap_model_ops **ops, struct module **owner)
{
	const struct prop *p = props_find(dip->props, "model");
	char name[NODE_NAME_MAX];

	*ops = NULL;
	if (p != NULL && p->text[0] == '\0')
		return 0;
	(void)snprintf(name, sizeof(name), "%shw", dip->driver->name);
	*ops = model_find(p != NULL ? p->text : name, owner);
	if (*ops != NULL || p == NULL)
		return 0;
	pr_warn("%s: property 'model=%s': no model of that name is loaded\n", dip->name, p->text);
	return -ENOENT;
}

static struct devmap_model *model_alloc(dev_info_t *dip, const struct devmap_model_ops *ops,
					struct module *owner)
{
	struct devmap_model *m = kzalloc(sizeof(*m), GFP_KERNEL);

	if (m == NULL)
		return NULL;
	m->ops = ops;
	m->owner = owner;
	m->dip = dip;
	LINUX_MUTEX_INIT(&m->lock);
	return m;
}

static void model_free(struct devmap_model *m)
{
	int i;

	for (i = 0; i < m->nregs; i++) {
		region_fini(m->regs[i]);
		kfree(m->regs[i]);
	}
	props_free(&m->strings);
	module_put(m->owner);
	kfree(m);
}

static int model_regsets(dev_info_t *dip, struct devmap_model *m)
{
	struct regset set = { .kind = REGS_MEMORY };
	int i, error = 0;

	for (i = 0; i < m->nregs && error == 0; i++) {
		set.region = m->regs[i];
		set.len = m->regs[i]->len;
		error = regset_add(dip, &set);
	}
	return error;
}

/* From here on model_detach() undoes it. */
static int model_begin(dev_info_t *dip, struct devmap_model *m)
{
	int error = model_regsets(dip, m);

	dip->model = m;
	if (error == 0)
		error = model_start(m);
	if (error != 0)
		pr_warn("%s: no register sets, or no thread, for its model: error %d\n", dip->name,
			error);
	return error;
}

int model_attach(dev_info_t *dip)
{
	const struct devmap_model_ops *ops;
	struct module *owner;
	struct devmap_model *m;
	int error = model_choose(dip, &ops, &owner);

	if (error != 0 || ops == NULL)
		return error;
	m = model_alloc(dip, ops, owner);
	if (m == NULL) {
		module_put(owner);
		return -ENOMEM;
	}
	error = ops->attach(m);
	if (error != 0) {
		pr_warn("%s: model %s does not attach: error %d\n", dip->name, ops->name, error);
		model_free(m);
		return error > 0 && error <= MAX_ERRNO ? -error : -EIO;
	}
	return model_begin(dip, m);
}

/* Clients are cut off first, since each unload of theirs runs sync(). */
void model_detach(dev_info_t *dip)
{
	struct devmap_model *m = dip->model;
	int i;

	if (m == NULL)
		return;
	for (i = 0; i < m->nregs; i++)
		region_cut_off(m->regs[i]);
	if (m->thread != NULL)
		kthread_stop(m->thread);
	if (m->ops->detach != NULL)
		m->ops->detach(m);
	dip->model = NULL;
	model_free(m);
}
