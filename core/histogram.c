/* to be written */
typedef int histogram_c_is_empty;
