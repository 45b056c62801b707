# One line a module, in reading order: core, queues, stages.
