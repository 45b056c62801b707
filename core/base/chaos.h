/* chaos.h: seeded disturbance of the order in which threads run, in builds with QUARTET_CHAOS.
 *
 * Why: a race needs an order of events that a machine makes once in a million requests. At each
 * point where a thread takes or releases a lock, rings or answers a doorbell, or changes an atomic
 * that hands something over, the thread calls chaos_point(), which goes on, yields the CPU, or
 * sleeps. The environment variable QUARTET_CHAOS_SEED (default 1) chooses.
 *
 * Repeatable: what a thread does at its n-th point follows from the seed, the thread's name and the
 * place in the program. The same seed gives the same choices, and so often the same order; the
 * kernel still has its part in it.
 *
 * Not every place is disturbed alike: the seed picks one place in eight, which sleeps often and
 * long, up to 20 ms. A race needs one thread that is late at one place while others are not; equal
 * noise everywhere finds few. (The idea is that of swarm testing: Groce et al., ISSTA 2012.)
 *
 * Any thread, also with a lock held. errno is kept. In other builds the macros are empty, and
 * nothing of this is in the program.
 */
#ifndef CORE_BASE_CHAOS_H
#define CORE_BASE_CHAOS_H

#ifdef QUARTET_CHAOS

/* The calling thread's choices begin again, for this name. A thread that never calls it has the
 * choices of the empty name. */
void chaos_begin(const char *name);
/* Goes on, yields or sleeps. */
void chaos_point(void);
/* Prints the seed on stderr. */
void chaos_announce(void);

#else

#define chaos_begin(name) ((void)0)
#define chaos_point()     ((void)0)
#define chaos_announce()  ((void)0)

#endif
#endif
