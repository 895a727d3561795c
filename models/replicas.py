"""One step on several devices: each takes its part of the global batch, in the order of the devices.

Where there is one device only, everything here returns what it is given.
"""

import tensorflow as tf


def replica():
    """Return TensorFlow's context of this device, or None where there is no other."""
    context = tf.distribute.get_replica_context()
    return context if context and context.num_replicas_in_sync > 1 else None


def on_each(strategy, function, *arguments):
    """Call a function on every device of a strategy, or on this one where the caller is on it already."""
    context = tf.distribute.get_replica_context()
    is_there = context is not None and context.strategy is strategy
    return function(*arguments) if is_there else strategy.run(function, arguments)


def part(batch):
    """Return this device's part of a nest of tensors [N, ...]; the lengths of all parts differ by 1 at most."""
    if not replica():
        return batch
    size = tf.shape(tf.nest.flatten(batch)[0])[0]
    place, count = replica().replica_id_in_sync_group, replica().num_replicas_in_sync
    begin, end = size * place // count, size * (place + 1) // count
    return tf.nest.map_structure(lambda values: values[begin:end], batch)


def of_all(values, size):
    """Return for a nest of this device's values [B] such of the global batch, [size], the same on all devices.

    With several devices each is the mean over the global batch, because tensors that devices exchange in a loop must
    keep their shape, and the last batch of an epoch may be short.
    """
    if not replica():
        return values
    means = total(tf.stack([tf.reduce_sum(one) for one in tf.nest.flatten(values)])) / tf.cast(size, tf.float32)
    return tf.nest.pack_sequence_as(values, [tf.fill([size], mean) for mean in tf.unstack(means)])


def same(strategy, values):
    """Return a nest of values that are the same on all devices of a `strategy`, outside of them."""
    return tf.nest.map_structure(lambda value: strategy.experimental_local_results(value)[0], values)


def total(value):
    """Return the sum over all devices of what each has as `value`."""
    return replica().all_reduce("SUM", value) if replica() else value


def share_of_mean(values):
    """Return this device's share of the mean of `values` [B] over the global batch: the shares add up to it."""
    if not replica():
        return tf.reduce_mean(values)
    return tf.reduce_sum(values) / total(tf.cast(tf.size(values), tf.float32))
