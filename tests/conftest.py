"""Being here puts this folder on the path: what several rooms' tests share can be imported by name."""
