// Boost.JSON compiled into the program, so that no other Boost is linked.
#include <boost/json/src.hpp>
