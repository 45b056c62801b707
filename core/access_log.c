/* to be written */
typedef int access_log_c_is_empty;
