# The environment of the notebook, for login shells: `pip install` installs into it, `jupyter server list` shows the URL.
export PATH=/opt/prism/venv/bin:$PATH
export JUPYTER_RUNTIME_DIR=/run/prism-notebook
