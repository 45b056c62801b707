/* pipeline.h: the bare pipeline of quartet-floor. */
#ifndef TOOLS_FLOOR_PIPELINE_H
#define TOOLS_FLOOR_PIPELINE_H

/* Serves what the epoll of floor_listen reports, with two more threads. */
_Noreturn void pipeline_run(int epoll, int listener);

#endif
