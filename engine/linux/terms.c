/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What an operator sets for a device at run time, as files of its own in sysfs: see devmap_set_terms(). */
#include <linux/device.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/sysfs.h>

#include "internal.h"

/* One at a time: the terms are read, changed and set. */
static DEFINE_MUTEX(setting);

static ssize_t show(struct device *dev, struct device_attribute *attr, char *buf);
static ssize_t store(struct device *dev, struct device_attribute *attr, const char *buf,
		     size_t len);

static struct device_attribute hold = __ATTR(set_hold_ns, 0644, show, store);
static struct device_attribute overhead = __ATTR(set_overhead_percent, 0644, show, store);
static struct device_attribute lock = __ATTR(set_lock_ns, 0644, show, store);

static ssize_t show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct minor_node *n = dev_get_drvdata(dev);
	const struct devmap_terms t = devmap_get_terms(n->dip);

	return sysfs_emit(buf, "%lld\n",
			  attr == &hold	    ? (long long)t.hold :
			  attr == &overhead ? (long long)t.overhead :
					      (long long)t.lock);
}

static ssize_t store(struct device *dev, struct device_attribute *attr, const char *buf, size_t len)
{
	const struct minor_node *n = dev_get_drvdata(dev);
	struct devmap_terms t;
	long long value;
	int error = kstrtoll(buf, 10, &value);

	if (error != 0)
		return error;
	mutex_lock(&setting);
	t = devmap_get_terms(n->dip);
	if (attr == &hold)
		t.hold = value;
	else if (attr == &overhead)
		t.overhead = value >= -1 && value <= 99 ? (int)value : INT_MIN;
	else
		t.lock = value;
	error = devmap_set_terms(n->dip, &t);
	mutex_unlock(&setting);
	return error != 0 ? -error : (ssize_t)len;
}

static struct attribute *attrs[] = { &hold.attr, &overhead.attr, &lock.attr, NULL };

const struct attribute_group devmap_terms_group = { .attrs = attrs };
